"""The cluster as people use it, and the restore workflow as its states call it."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2

from recovery.clusters import Clusters
from recovery.copied import Copied
from recovery.errors import CopyNotReady
from recovery.restore import STEPS, Doors
from recovery.restores import Restores
from recovery.settings import RestoreSettings
from recovery.table import Table
from streamflix.addresses import Address
from streamflix.errors import Retryable
from streamflix.secrets import Secret
from tests.integration.local.laptop import CLUSTER, MASTER_PASSWORD, Laptop

if TYPE_CHECKING:
    from pathlib import Path

LOGINS = ("app", "analytics", "privacy", "recovery")
INCIDENTS, HOLD = "streamflix-incidents-drill", "streamflix-hold-drill"
PATIENCE_SECONDS = 60
OF_A_STEP = {
    "environment": "drill",
    "incidents_table": INCIDENTS,
    "hold_table": HOLD,
    "ops_bus": "default",
    "cluster_id": CLUSTER,
    "quarantine_group_id": "sg-quarantine",
}
"""What every function of the workflow is told."""


@dataclass
class Platform:
    """The cluster as people use it, and the workflow as its states call it."""

    laptop: Laptop
    arns: dict[str, str]
    ca: Path

    def doors(self) -> Doors:
        env = RestoreSettings(
            **OF_A_STEP,
            master_secret_arn=self.arns["master"],
            secret_arns=tuple(self.arns.values()),
            quarantine_days=7,
        )
        clusters = Clusters(CLUSTER, [env.quarantine_group_id])
        return Doors(env, Restores(Table(INCIDENTS)), clusters)

    def step(self, run: str, step: str, **event: Any) -> dict[str, Any]:
        """As the state machine does: what may pass is tried again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return STEPS[step](run, event, self.doors())
            except CopyNotReady:
                assert time.monotonic() < deadline, f"{step} is not ready"
                time.sleep(0.2)

    def inside(self, address: str, step: str, **event: Any) -> dict[str, Any]:
        """A step in the copy. The new password of master takes a moment."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            copied = Copied(Address.parse(address), Secret(self.arns["master"]), self.ca)
            try:
                if step == "logins":
                    arns = {login: self.arns[login] for login in LOGINS}
                    return {"logins": copied.close_logins(arns, event.get("epoch"))}
                if step == "open":
                    arns = {login: self.arns[login] for login in event["logins"]}
                    return {"logins": copied.open_logins(arns, event.get("epoch"))}
                if step == "count":
                    copied.let_count()
                    return {}
                return copied.verify()
            except Retryable:
                assert time.monotonic() < deadline, f"{step} does not get in"
                time.sleep(0.2)
            finally:
                copied.rest()

    def ask(self, statement: str, cluster: str = CLUSTER, password: str = MASTER_PASSWORD) -> Any:
        return self.laptop.ask(statement, password, cluster=cluster)

    def as_role(self, role: str, statement: str, cluster: str = CLUSTER) -> Any:
        described = self.laptop.described(cluster)
        connection = self.laptop.connect(described["Endpoint"], described["Port"])
        with contextlib.closing(connection):
            cursor = connection.cursor()
            cursor.execute(f"SET ROLE {role}")
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def beat(self) -> None:
        statement = "UPDATE ops.heartbeat SET beat = beat + 1, beaten_at = clock_timestamp()"
        self.as_role("recovery_ro", statement)

    def laptop_address(self) -> str:
        described = self.laptop.described()
        return f"{described['Endpoint']}:{described['Port']}"

    def names(self) -> set[str]:
        """Clusters and instances that there are."""
        rds = self.laptop.client("rds")
        clusters = {c["DBClusterIdentifier"] for c in rds.describe_db_clusters()["DBClusters"]}
        instances = rds.describe_db_instances()["DBInstances"]
        return clusters | {i["DBInstanceIdentifier"] for i in instances}

    def put(self, login: str, username: str, password: str) -> None:
        """As a rotation leaves it: what was current is previous now."""
        value = json.dumps({"username": username, "password": password})
        self.laptop.client("secretsmanager").put_secret_value(
            SecretId=self.arns[login], SecretString=value
        )


def log_in(address: str, user: str, password: str, ca: Any) -> str:
    """Why not, or nothing."""
    host, _, port = address.rpartition(":")
    try:
        psycopg2.connect(
            host=host,
            port=port,
            user=user,
            password=password,
            dbname="streamflix",
            sslmode="verify-full",
            sslrootcert=str(ca),
        ).close()
    except psycopg2.OperationalError as error:
        return str(error)
    return ""
