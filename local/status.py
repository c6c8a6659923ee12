"""`make status`: what runs on the laptop, where, and how far behind it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import psycopg2
from botocore.exceptions import ClientError
from rich import box
from rich.table import Table

from local import deploy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from local.instance import Instance

LAG_SQL = """
SELECT application_name, sync_state,
       coalesce(extract(epoch FROM replay_lag), 0)::float AS lag_seconds
FROM pg_stat_replication ORDER BY application_name
"""


def show(instance: Instance, console: Console) -> None:
    """Print one table per kind of thing; a part that does not answer says so in its row."""
    session = boto3.session.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1"
    )
    cloud = Cloud(session, instance)
    for title, columns, rows in (
        ("Endpoints", ("what", "where"), cloud.endpoints()),
        ("Stacks", ("stack", "status"), cloud.stacks()),
        ("Functions, last 5 minutes", ("function", "runs", "errors", "lag"), cloud.functions()),
        ("Databases", ("member", "role", "lag"), cloud.databases()),
    ):
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
        for column in columns:
            # A long name folds in a narrow terminal; a state that was cut would look like another.
            table.add_column(column, no_wrap=column != "stack", overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)


class Cloud:
    """What the public APIs of the laptop cloud say."""

    def __init__(self, session: Any, instance: Instance) -> None:
        self._session = session
        self._instance = instance
        path = deploy.outputs_file(instance)
        self._outputs: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def endpoints(self) -> Iterator[tuple[str, ...]]:
        yield "AWS APIs", self._instance.gateway_url
        yield "shell environment", str(self._instance.env_file)
        outputs = self._outputs
        if "AuroraClusterEndpoint" in outputs:
            port = outputs["AuroraPort"]
            yield "PostgreSQL writer", f"{outputs['AuroraClusterEndpoint']}:{port}"
            yield "PostgreSQL readers", f"{outputs['AuroraClusterReadEndpoint']}:{port}"
        if "RedisEndpoint" in outputs:
            yield "Redis (cluster, TLS)", f"{outputs['RedisEndpoint']}:{outputs['RedisPort']}"

    def stacks(self) -> Iterator[tuple[str, ...]]:
        for stack in self._client("cloudformation").describe_stacks()["Stacks"]:
            yield stack["StackName"], stack["StackStatus"]

    def functions(self) -> Iterator[tuple[str, ...]]:
        for function in self._client("lambda").list_functions()["Functions"]:
            yield function["FunctionName"], *self._activity(function["FunctionName"])

    def databases(self) -> Iterator[tuple[str, ...]]:
        for cluster in self._client("rds").describe_db_clusters()["DBClusters"]:
            lags = self._lags(cluster)
            for member in cluster["DBClusterMembers"]:
                name = member["DBInstanceIdentifier"]
                role = "writer" if member["IsClusterWriter"] else "reader"
                yield name, role, "-" if role == "writer" else _lag(lags, name)
            yield cluster["DBClusterIdentifier"], "restorable to", _when(cluster)

    def _activity(self, function: str) -> tuple[str, str, str]:
        """Runs, errors, and how old the oldest record of its stream's last batches was."""
        runs = self._metric(function, "Invocations", "Sum")
        errors = self._metric(function, "Errors", "Sum")
        age = self._metric(function, "IteratorAge", "Maximum")
        lag = "-" if age is None else f"at most {age / 1000:.1f} s"
        return f"{runs or 0:.0f}", f"{errors or 0:.0f}", lag

    def _metric(self, function: str, name: str, statistic: str) -> float | None:
        now = datetime.now(UTC)
        points = self._client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=name,
            Dimensions=[{"Name": "FunctionName", "Value": function}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now,
            Period=300,
            Statistics=[statistic],
        )["Datapoints"]
        return max((point[statistic] for point in points), default=None)

    def _lags(self, cluster: dict[str, Any]) -> dict[str, str] | None:
        """Replication lag by member, as the master login sees it on the cluster's own writer; None
        when that lets nobody in, as after a cutover."""
        try:
            with self._master(cluster) as connection, connection.cursor() as cursor:
                cursor.execute(LAG_SQL)
                return {name: f"{lag:.3f} s, {state}" for name, state, lag in cursor.fetchall()}
        except (psycopg2.Error, ClientError, KeyError):
            return None

    def _master(self, cluster: dict[str, Any]) -> Any:
        secret = self._client("secretsmanager").get_secret_value(
            SecretId=self._outputs["MasterSecretArn"]
        )
        login = json.loads(secret["SecretString"])
        return psycopg2.connect(
            host=cluster["Endpoint"],
            port=cluster["Port"],
            dbname="streamflix",
            user=login["username"],
            password=login["password"],
            sslmode="verify-full",
            sslrootcert=str(self._instance.ca),
            connect_timeout=5,
        )

    def _client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._instance.gateway_url)


def _lag(lags: dict[str, str] | None, name: str) -> str:
    return "not to be asked" if lags is None else lags.get(name, "not streaming")


def _when(cluster: dict[str, Any]) -> str:
    latest = cluster.get("LatestRestorableTime")
    if not isinstance(latest, datetime):
        return "unknown"
    return f"{latest:%H:%M:%S} UTC, {(datetime.now(UTC) - latest).total_seconds():.0f} s ago"
