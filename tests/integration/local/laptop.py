"""A laptop cloud with an Aurora cluster and a replication group in it, made by a stack."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import psycopg2
from botocore.config import Config
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.eventually import eventually
from tests.integration.local.databases import PYTHON, ROOT
from tests.ports import free_range

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLUSTER = "streamflix-aurora-hooks"
GROUP = "streamflix-redis-hooks"
MASTER_PASSWORD = "the first of the master"
OPS_PASSWORD = "the first of ops"

RESOURCES: dict[str, Any] = {
    "Cluster": {
        "Type": "AWS::RDS::DBCluster",
        "Properties": {
            "DBClusterIdentifier": CLUSTER,
            "Engine": "aurora-postgresql",
            "EngineVersion": "16.11",
            "DatabaseName": "streamflix",
            "Port": 5432,
            "MasterUsername": "master",
            "MasterUserPassword": MASTER_PASSWORD,
        },
    },
    **{
        f"Member{each}": {
            "Type": "AWS::RDS::DBInstance",
            **({} if each == "A" else {"DependsOn": "MemberA"}),
            "Properties": {
                "DBInstanceIdentifier": f"{CLUSTER}-{each.lower()}",
                "DBClusterIdentifier": {"Ref": "Cluster"},
                "DBInstanceClass": "db.r6g.large",
                "Engine": "aurora-postgresql",
            },
        }
        for each in "ABC"
    },
    "DefaultUser": {
        "Type": "AWS::ElastiCache::User",
        "Properties": {
            "UserId": "default-hooks",
            "UserName": "default",
            "Engine": "redis",
            "AccessString": "off -@all",
            "AuthenticationMode": {"Type": "no-password-required"},
        },
    },
    "OpsUser": {
        "Type": "AWS::ElastiCache::User",
        "Properties": {
            "UserId": "ops-hooks",
            "UserName": "ops",
            "Engine": "redis",
            "AccessString": "on ~live:* -@all +@read +@write +@connection +cluster -@dangerous",
            "AuthenticationMode": {"Type": "password", "Passwords": [OPS_PASSWORD]},
        },
    },
    "UserGroup": {
        "Type": "AWS::ElastiCache::UserGroup",
        "Properties": {
            "UserGroupId": "users-hooks",
            "Engine": "redis",
            "UserIds": [{"Ref": "DefaultUser"}, {"Ref": "OpsUser"}],
        },
    },
    "Group": {
        "Type": "AWS::ElastiCache::ReplicationGroup",
        "Properties": {
            "ReplicationGroupId": GROUP,
            "ReplicationGroupDescription": "of the hooks' tests",
            "Engine": "redis",
            "CacheNodeType": "cache.t4g.small",
            "ClusterMode": "enabled",
            "NumNodeGroups": 3,
            "ReplicasPerNodeGroup": 2,
            "AutomaticFailoverEnabled": True,
            "TransitEncryptionEnabled": True,
            "TransitEncryptionMode": "required",
            "UserGroupIds": [{"Ref": "UserGroup"}],
        },
    },
}
OUTPUTS: dict[str, Any] = {
    "Writer": {"Value": {"Fn::GetAtt": "Cluster.Endpoint.Address"}},
    "Reader": {"Value": {"Fn::GetAtt": "Cluster.ReadEndpoint.Address"}},
    "Port": {"Value": {"Fn::GetAtt": "Cluster.Endpoint.Port"}},
    "RedisHost": {"Value": {"Fn::GetAtt": "Group.ConfigurationEndPoint.Address"}},
    "RedisPort": {"Value": {"Fn::GetAtt": "Group.ConfigurationEndPoint.Port"}},
}


@dataclass(frozen=True)
class Laptop:
    """A running launcher whose stack is deployed."""

    root: Path
    port: int

    @property
    def ca(self) -> str:
        return str(self.root / ".local/ca/ca.pem")

    @functools.cache  # noqa: B019 - lives as long as the session
    def client(self, service: str, region: str = "eu-central-1") -> Any:
        return boto3.session.Session().client(
            service,
            region_name=region,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
        )

    def deploy(self, **properties: dict[str, Any]) -> dict[str, str]:
        """Deploy the stack, with these properties of resources changed. Returns its outputs."""
        resources = json.loads(json.dumps(RESOURCES))
        for name, changed in properties.items():
            resources[name]["Properties"] |= changed
        cloudformation = self.client("cloudformation")
        body = json.dumps({"Resources": resources, "Outputs": OUTPUTS})
        stacks = cloudformation.list_stacks()["StackSummaries"]
        known = any(each["StackName"] == "hooks" for each in stacks)
        operation = cloudformation.update_stack if known else cloudformation.create_stack
        operation(StackName="hooks", TemplateBody=body)
        stack = self.settled("hooks")
        assert stack["StackStatus"] == ("UPDATE_COMPLETE" if known else "CREATE_COMPLETE")
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def settled(self, stack: str) -> dict[str, Any]:
        return eventually(
            lambda: self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0],
            60,
            lambda seen: not seen["StackStatus"].endswith("IN_PROGRESS"),
        )

    def described(self, cluster: str = CLUSTER) -> dict[str, Any]:
        answer = self.client("rds").describe_db_clusters(DBClusterIdentifier=cluster)
        return dict(answer["DBClusters"][0])

    def writers(self) -> list[str]:
        members = self.described()["DBClusterMembers"]
        return [m["DBInstanceIdentifier"] for m in members if m["IsClusterWriter"]]

    def ask(
        self,
        statement: str,
        password: str = MASTER_PASSWORD,
        endpoint: str = "Endpoint",
        cluster: str = CLUSTER,
    ) -> list[tuple[Any, ...]]:
        """Ask the cluster where Describe says that it is."""
        described = self.described(cluster)
        connection = self.connect(described[endpoint], described["Port"], password)
        with contextlib.closing(connection):
            cursor = connection.cursor()
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def connect(
        self, host: str, port: int, password: str = MASTER_PASSWORD
    ) -> psycopg2.extensions.connection:
        """A connection of the master, in autocommit mode, to whoever answers there."""
        connection = psycopg2.connect(
            host=host,
            port=port,
            dbname="streamflix",
            user="master",
            password=password,
            sslmode="verify-full",
            sslrootcert=self.ca,
        )
        connection.autocommit = True
        return connection

    def add_member(self, cluster: str, name: str) -> None:
        self.client("rds").create_db_instance(
            DBInstanceIdentifier=name,
            DBClusterIdentifier=cluster,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
        )

    def remove(self, cluster: str) -> None:
        """Delete a cluster with its members."""
        rds = self.client("rds")
        for member in self.described(cluster)["DBClusterMembers"]:
            name = member["DBInstanceIdentifier"]
            rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        rds.delete_db_cluster(DBClusterIdentifier=cluster, SkipFinalSnapshot=True)

    def redis(self, password: str, user: str = "ops", node: int = 0) -> Redis:
        """A client of one node of the replication group."""
        groups = self.client("elasticache").describe_replication_groups(ReplicationGroupId=GROUP)
        shard = groups["ReplicationGroups"][0]["NodeGroups"][node]
        return Redis(
            host=shard["PrimaryEndpoint"]["Address"],
            port=shard["PrimaryEndpoint"]["Port"],
            username=user,
            password=password,
            ssl=True,
            ssl_ca_certs=self.ca,
            retry=Retry(NoBackoff(), 0),
        )

    def processes(self) -> dict[str, int]:
        content = json.loads((self.root / ".local/hooks/processes.json").read_text())
        return {name: entry["pid"] for name, entry in content.items()}


@contextlib.contextmanager
def launched(root: Path) -> Iterator[Laptop]:
    """A launcher without a stack yet."""
    base = free_range(50)
    kept = ("PATH", "HOME", "STREAMFLIX_HOOKS_OFF")
    log = root / "launcher.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [PYTHON, "-m", "local.launcher", "--instance", "hooks", "--root", root],
            cwd=ROOT,
            env={key: os.environ[key] for key in kept if key in os.environ}
            | {"STREAMFLIX_PORT_BASE": str(base - 50)},
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    laptop = Laptop(root, base)
    try:
        eventually(lambda: process.poll() is not None or _answers(laptop), 60)
        assert process.poll() is None, log.read_text()
        yield laptop
    finally:
        process.terminate()
        process.wait(30)


def _answers(laptop: Laptop) -> bool:
    try:
        return bool(laptop.client("sts").get_caller_identity())
    except Exception:  # noqa: BLE001 - not yet, whatever the reason
        return False
