"""Everything that would make CloudFormation's delete fail, taken out of its way."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from account.names import is_copy
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from account.destroy.scene import Scene

MINUTES = 60
BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
OFF = (
    {"Key": "deletion_protection.enabled", "Value": "false"},
    {"Key": "access_logs.s3.enabled", "Value": "false"},  # or the bucket fills up again
)


def everything(scene: Scene) -> None:
    """In this order: locks first, then what hangs on the stack's own, then contents."""
    unlock(scene)
    remove_foreign_clusters(scene)
    remove_foreign_members(scene)
    empty_vaults(scene)
    empty_buckets(scene)


def unlock(scene: Scene) -> None:
    """Deletion protection of stack, balancers, clusters and tables. Safe to repeat."""
    if scene.root.exists:
        scene.at("cloudformation").update_termination_protection(
            StackName=scene.root.identity, EnableTerminationProtection=False
        )
    present = {
        each["LoadBalancerArn"]
        for each in scene.each("elbv2", "describe_load_balancers", "LoadBalancers")
    }
    for arn in present & set(scene.of_kind(BALANCER)):
        scene.at("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=list(OFF))
    for cluster in clusters(scene):
        if cluster.get("DeletionProtection"):
            scene.at("rds").modify_db_cluster(
                DBClusterIdentifier=cluster["DBClusterIdentifier"],
                DeletionProtection=False,
                ApplyImmediately=True,
            )
    for name in scene.each("dynamodb", "list_tables", "TableNames"):
        if scene.ours(name):
            _unlock_table(scene.at("dynamodb"), name)


def _unlock_table(dynamodb: Any, name: str) -> None:
    if dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)


def clusters(scene: Scene) -> Iterator[dict[str, Any]]:
    """The environment's own cluster, and its restored and quarantined copies."""
    for each in scene.each("rds", "describe_db_clusters", "DBClusters"):
        if scene.ours(each["DBClusterIdentifier"]):
            yield each


def remove_foreign_clusters(scene: Scene) -> None:
    """Copies use the stack's subnets, groups and key, and CloudFormation does not know them."""
    copies = [
        each for each in clusters(scene) if is_copy(scene.environment, each["DBClusterIdentifier"])
    ]
    for cluster in copies:
        _delete_members(scene, [_member(each) for each in cluster["DBClusterMembers"]])
        if cluster["Status"] != "deleting":
            scene.at("rds").delete_db_cluster(
                DBClusterIdentifier=cluster["DBClusterIdentifier"],
                SkipFinalSnapshot=True,
                DeleteAutomatedBackups=True,
            )
    names = {each["DBClusterIdentifier"] for each in copies}
    if names:
        scene.wait(
            f"deleting {', '.join(sorted(names))}",
            lambda: not names & {each["DBClusterIdentifier"] for each in clusters(scene)},
            within=60 * MINUTES,
        )


def remove_foreign_members(scene: Scene) -> None:
    """Readers that scaling made, or a cutover brought: a cluster with one cannot be deleted."""
    known = set(scene.of_kind("AWS::RDS::DBInstance"))
    strangers = [
        name
        for cluster in clusters(scene)
        if not is_copy(scene.environment, cluster["DBClusterIdentifier"])
        for each in cluster["DBClusterMembers"]
        if (name := _member(each)) not in known and known
    ]
    if strangers:
        _suspend_scaling(scene)
        _delete_members(scene, strangers)


def _suspend_scaling(scene: Scene) -> None:
    """Or the readers come back."""
    targets = scene.each(
        "application-autoscaling",
        "describe_scalable_targets",
        "ScalableTargets",
        ServiceNamespace="rds",
    )
    for each in targets:
        if scene.ours(each["ResourceId"]):
            scene.at("application-autoscaling").register_scalable_target(
                ServiceNamespace="rds",
                ResourceId=each["ResourceId"],
                ScalableDimension=each["ScalableDimension"],
                SuspendedState={
                    "DynamicScalingInSuspended": True,
                    "DynamicScalingOutSuspended": True,
                    "ScheduledScalingSuspended": True,
                },
            )


def _delete_members(scene: Scene, names: list[str]) -> None:
    rds = scene.at("rds")
    for name in names:
        found = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        if found["DBInstanceStatus"] != "deleting":
            rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)

    def gone() -> bool:
        left = scene.each("rds", "describe_db_instances", "DBInstances")
        return not set(names) & {each["DBInstanceIdentifier"] for each in left}

    scene.wait(f"deleting database members {', '.join(names)}", gone, within=60 * MINUTES)


def _member(entry: dict[str, Any]) -> str:
    found: str = entry["DBInstanceIdentifier"]
    return found


def empty_vaults(scene: Scene) -> None:
    """A vault with recovery points stays, and its policy may forbid to take them out.

    The stack's own vaults only: what somebody else named like us is told afterwards, not emptied.
    """
    present = {
        each["BackupVaultName"]
        for each in scene.each("backup", "list_backup_vaults", "BackupVaultList")
    }
    for name in sorted(present & set(scene.of_kind("AWS::Backup::BackupVault"))):
        _empty_vault(scene, name)


def _empty_vault(scene: Scene, vault: str) -> None:
    backup = scene.at("backup")

    def points() -> list[Any]:
        listed = scene.each(
            "backup",
            "list_recovery_points_by_backup_vault",
            "RecoveryPoints",
            BackupVaultName=vault,
        )
        return list(listed)

    if not points():
        return
    with suppress(backup.exceptions.ResourceNotFoundException):  # it had no policy
        backup.delete_backup_vault_access_policy(BackupVaultName=vault)
    for point in points():
        if point["Status"] == "DELETING":
            continue
        backup.delete_recovery_point(
            BackupVaultName=vault, RecoveryPointArn=point["RecoveryPointArn"]
        )
    scene.wait(f"deleting recovery points of {vault}", lambda: not points(), within=60 * MINUTES)


def empty_buckets(scene: Scene) -> None:
    """Every version and every delete marker of every bucket of the stack; of no other."""
    present = {each["Name"] for each in scene.each("s3", "list_buckets", "Buckets")}
    for name in sorted(present & set(scene.of_kind("AWS::S3::Bucket"))):
        empty_bucket(scene, name)


def empty_bucket(scene: Scene, bucket: str, prefix: str = "") -> int:
    """How many versions went. Raises: `Refusal` when one stays."""
    s3, gone = scene.at("s3"), 0
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if not entries:
            continue
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in entries]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        if answer.get("Errors"):
            first = json.dumps(answer["Errors"][0], default=str)
            raise Refusal(f"{bucket} cannot be emptied: {first}. Look at its policy and its locks.")
        gone += len(objects)
        scene.view.progress(f"emptying {bucket} · {gone} versions gone")
    return gone
