"""A restored copy that got the names of the original is described as the original was."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.described import OF_ONE_LIFE
from tests.integration.local.laptop import MASTER_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.local.laptop import Laptop

NAME = "adopted"
KEY = "arn:aws:kms:eu-central-1:000000000000:key/of-the-adopted"
ROLE = "arn:aws:iam::000000000000:role/monitoring-of-the-adopted"
GROUP, QUARANTINE = "sg-0123456789abcdef3", "sg-0123456789abcdef4"
TAGS = [{"Key": "DataClass", "Value": "personal"}, {"Key": "Owner", "Value": "somebody"}]
QUICK = {"Delay": 1, "MaxAttempts": 60}

CLUSTER: dict[str, Any] = {
    "Engine": "aurora-postgresql",
    "EngineVersion": "16.11",
    "DatabaseName": "streamflix",
    "MasterUsername": "master",
    "MasterUserPassword": MASTER_PASSWORD,
    "DBSubnetGroupName": NAME,
    "VpcSecurityGroupIds": [GROUP],
    "DBClusterParameterGroupName": NAME,
    "StorageEncrypted": True,
    "KmsKeyId": KEY,
    "BackupRetentionPeriod": 35,
    "PreferredBackupWindow": "01:00-01:30",
    "PreferredMaintenanceWindow": "tue:02:00-tue:03:00",
    "CopyTagsToSnapshot": True,
    "DeletionProtection": True,
    "EnableIAMDatabaseAuthentication": True,
    "EnableCloudwatchLogsExports": ["postgresql"],
    "DatabaseInsightsMode": "advanced",
    "EnablePerformanceInsights": True,
    "PerformanceInsightsKMSKeyId": KEY,
    "PerformanceInsightsRetentionPeriod": 465,
    "Tags": TAGS,
}
MEMBERS: dict[str, dict[str, Any]] = {
    letter: {
        "AvailabilityZone": f"eu-central-1{letter}",
        "PromotionTier": tier,
        "PreferredMaintenanceWindow": window,
        "DBInstanceClass": "db.r6g.large",
        "DBParameterGroupName": NAME,
        "Engine": "aurora-postgresql",
        "PubliclyAccessible": False,
        "AutoMinorVersionUpgrade": False,
        "CACertificateIdentifier": "rds-ca-ecc384-g1",
        "MonitoringInterval": 60,
        "MonitoringRoleArn": ROLE,
        "Tags": TAGS,
    }
    for letter, tier, window in (
        ("a", 0, "tue:02:30-tue:03:00"),
        ("b", 1, "tue:02:00-tue:02:30"),
        ("c", 15, "tue:01:30-tue:02:00"),
    )
}
"""The writer first."""


RENAMED = {
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKmsKeyId",
}
"""How CloudFormation calls a parameter of the API."""


@pytest.fixture(scope="module")
def groups(laptop: Laptop) -> str:
    """Two parameter groups and a subnet group of this name."""
    rds = laptop.client("rds")
    family = {"DBParameterGroupFamily": "aurora-postgresql16", "Description": "of a test"}
    rds.create_db_cluster_parameter_group(DBClusterParameterGroupName=NAME, **family)
    rds.create_db_parameter_group(DBParameterGroupName=NAME, **family)
    subnets = laptop.client("ec2").describe_subnets()["Subnets"]
    rds.create_db_subnet_group(
        DBSubnetGroupName=NAME,
        DBSubnetGroupDescription="of a test",
        SubnetIds=[each["SubnetId"] for each in subnets][:3],
    )
    return NAME


@pytest.fixture(params=["call", "stack"])
def original(
    laptop: Laptop, groups: str, request: pytest.FixtureRequest
) -> Iterator[dict[str, Any]]:
    """A cluster of three members, however it was made. What Describe tells of it."""
    rds = laptop.client("rds")
    by_call = request.param == "call"
    make_by_calls(laptop) if by_call else deploy(laptop)
    yield described(laptop, groups)
    for each in (f"{NAME}-q1", f"{NAME}-r1", *([NAME] if by_call else [])):
        with contextlib.suppress(rds.exceptions.DBClusterNotFoundFault):
            rds.modify_db_cluster(DBClusterIdentifier=each, DeletionProtection=False)
            laptop.remove(each)
    if not by_call:
        rds.modify_db_cluster(DBClusterIdentifier=NAME, DeletionProtection=False)
        identity = laptop.settled(NAME)["StackId"]
        laptop.client("cloudformation").delete_stack(StackName=NAME)
        assert laptop.settled(identity)["StackStatus"] == "DELETE_COMPLETE"
    left = {each["DBClusterIdentifier"] for each in rds.describe_db_clusters()["DBClusters"]}
    assert not [each for each in left if each.startswith(NAME)]


def make_by_calls(laptop: Laptop) -> None:
    rds = laptop.client("rds")
    rds.create_db_cluster(DBClusterIdentifier=NAME, **CLUSTER)
    for letter, settings in MEMBERS.items():
        rds.create_db_instance(
            DBInstanceIdentifier=f"{NAME}-{letter}", DBClusterIdentifier=NAME, **settings
        )


def deploy(laptop: Laptop, **changes: Any) -> None:
    """Create or update the stack; `changes` are the cluster's properties."""
    properties = {RENAMED.get(key, key): value for key, value in (CLUSTER | changes).items()}
    cluster = {"Type": "AWS::RDS::DBCluster", "Properties": properties}
    properties["DBClusterIdentifier"] = NAME
    members = {
        f"Member{letter.upper()}": {
            "Type": "AWS::RDS::DBInstance",
            "DependsOn": "Cluster" if letter == "a" else "MemberA",
            "Properties": settings
            | {"DBInstanceIdentifier": f"{NAME}-{letter}", "DBClusterIdentifier": NAME},
        }
        for letter, settings in MEMBERS.items()
    }
    cloudformation = laptop.client("cloudformation")
    operation = cloudformation.update_stack if changes else cloudformation.create_stack
    operation(
        StackName=NAME, TemplateBody=json.dumps({"Resources": {"Cluster": cluster} | members})
    )
    wanted = "UPDATE_COMPLETE" if changes else "CREATE_COMPLETE"
    assert laptop.settled(NAME)["StackStatus"] == wanted


def described(laptop: Laptop, cluster: str) -> dict[str, Any]:
    """The cluster and its members, by name."""
    found = laptop.client("rds").describe_db_instances(
        Filters=[{"Name": "db-cluster-id", "Values": [cluster]}]
    )["DBInstances"]
    told = {each["DBInstanceIdentifier"]: each for each in found}
    told[cluster] = laptop.described(cluster)
    for each in told.values():
        each["TagList"].sort(key=lambda tag: tag["Key"])  # a set, on AWS
    return told


def restore(laptop: Laptop, told: dict[str, Any], name: str) -> None:
    """A copy beside the original, with every setting that Describe tells, but in quarantine."""
    rds, cluster = laptop.client("rds"), told[NAME]
    rds.restore_db_cluster_to_point_in_time(
        SourceDBClusterIdentifier=NAME,
        DBClusterIdentifier=name,
        UseLatestRestorableTime=True,
        DBSubnetGroupName=cluster["DBSubnetGroup"],
        DBClusterParameterGroupName=cluster["DBClusterParameterGroup"],
        VpcSecurityGroupIds=[QUARANTINE],
        KmsKeyId=cluster["KmsKeyId"],
        EnableIAMDatabaseAuthentication=cluster["IAMDatabaseAuthenticationEnabled"],
        Tags=[{"Key": "Owner", "Value": "the restore"}, {"Key": "Born", "Value": "of a restore"}],
    )
    rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier=name, WaiterConfig=QUICK)
    for letter in MEMBERS:
        member = told[f"{NAME}-{letter}"]
        [group] = member["DBParameterGroups"]
        same = (
            "AvailabilityZone",
            "PromotionTier",
            "DBInstanceClass",
            "Engine",
            "PubliclyAccessible",
            "CACertificateIdentifier",
            "MonitoringInterval",
            "MonitoringRoleArn",
        )
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-{letter}",
            DBClusterIdentifier=name,
            DBParameterGroupName=group["DBParameterGroupName"],
            Tags=member["TagList"],
            **{key: member[key] for key in same},
        )


def settle(laptop: Laptop, told: dict[str, Any], name: str) -> None:
    """What a restore cannot be told, and what the original got meanwhile."""
    rds, cluster = laptop.client("rds"), told[NAME]
    same = (
        "BackupRetentionPeriod",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
        "DeletionProtection",
        "DatabaseInsightsMode",
        "PerformanceInsightsKMSKeyId",
        "PerformanceInsightsRetentionPeriod",
        "CopyTagsToSnapshot",
    )
    rds.modify_db_cluster(
        DBClusterIdentifier=name,
        ApplyImmediately=True,
        VpcSecurityGroupIds=[each["VpcSecurityGroupId"] for each in cluster["VpcSecurityGroups"]],
        CloudwatchLogsExportConfiguration={
            "EnableLogTypes": cluster["EnabledCloudwatchLogsExports"]
        },
        EnablePerformanceInsights=cluster["PerformanceInsightsEnabled"],
        **{key: cluster[key] for key in same},
    )
    arn = laptop.described(name)["DBClusterArn"]
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["Born"])
    rds.add_tags_to_resource(ResourceName=arn, Tags=cluster["TagList"])
    for letter in MEMBERS:
        member = told[f"{NAME}-{letter}"]
        kept = ("PreferredMaintenanceWindow", "PromotionTier", "AutoMinorVersionUpgrade")
        rds.modify_db_instance(
            DBInstanceIdentifier=f"{name}-{letter}",
            ApplyImmediately=True,
            **{key: member[key] for key in kept},
        )


def rename(laptop: Laptop, old: str, new: str) -> None:
    """The cluster and its members."""
    rds = laptop.client("rds")
    rds.modify_db_cluster(
        DBClusterIdentifier=old, NewDBClusterIdentifier=new, ApplyImmediately=True
    )
    for letter in MEMBERS:
        rds.modify_db_instance(
            DBInstanceIdentifier=f"{old}-{letter}",
            NewDBInstanceIdentifier=f"{new}-{letter}",
            ApplyImmediately=True,
        )


def server(laptop: Laptop, endpoint: dict[str, Any], which: str) -> str:
    """Whose server answers there."""
    with contextlib.closing(laptop.connect(endpoint[which], endpoint["Port"])) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT current_setting('cluster_name')")
        [(name,)] = cursor.fetchall()
        return str(name)


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """By cluster or member and field: what was told, and what is told now."""
    return {
        f"{name}.{key}": (told.get(key), after[name].get(key))
        for name, told in before.items()
        for key in told.keys() | after[name].keys()
        if key not in OF_ONE_LIFE and told.get(key) != after[name].get(key)
    }


def test_an_adopted_copy_is_described_as_the_original_was(
    laptop: Laptop, original: dict[str, Any]
) -> None:
    rds, copy = laptop.client("rds"), f"{NAME}-r1"
    restore(laptop, original, copy)
    restored = laptop.described(copy)
    names = {f"{copy}-{letter}" for letter in MEMBERS}
    streaming = "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'"
    assert {name for (name,) in laptop.ask(streaming, cluster=copy)} == names - {f"{copy}-a"}
    readers = {server(laptop, restored, "ReaderEndpoint") for _ in range(6)}
    assert len(readers) == 2
    assert server(laptop, restored, "Endpoint") not in readers

    settle(laptop, original, copy)
    rename(laptop, NAME, f"{NAME}-q1")
    rename(laptop, copy, NAME)
    writers = []
    for letter in "ba":
        rds.failover_db_cluster(
            DBClusterIdentifier=NAME, TargetDBInstanceIdentifier=f"{NAME}-{letter}"
        )
        members = laptop.described(NAME)["DBClusterMembers"]
        writers += [m["DBInstanceIdentifier"] for m in members if m["IsClusterWriter"]]

    after = described(laptop, NAME)
    assert writers == [f"{NAME}-b", f"{NAME}-a"]
    assert differences(original, after) == {}
    assert after[NAME]["DbClusterResourceId"] == restored["DbClusterResourceId"]
    for which in ("Endpoint", "ReaderEndpoint"):
        assert server(laptop, original[NAME], which).startswith(copy)
    kept = laptop.described(f"{NAME}-q1")
    assert kept["DbClusterResourceId"] == original[NAME]["DbClusterResourceId"]
    assert not server(laptop, kept, "Endpoint").startswith(copy)
