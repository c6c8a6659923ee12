"""What CloudFormation leaves behind, because it never made it or was told to keep it."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from account.destroy import unblock
from account.names import PROJECT

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from account.destroy.scene import Scene

# Who makes log groups beside the template. Ours carry our name as well; other people's stay.
LOG_PREFIXES = (
    "/aws/lambda/",
    "/aws/rds/cluster/",
    "/aws/rds/instance/",
    "/aws/rds/proxy/",
    "/aws/ecs/",
    "/aws/apigateway/",
    "/aws/vpc/",
    "/aws/vendedlogs/",
    "/aws/elasticache/",
    "/aws/kinesis/",
    "/ecs/",
    "/streamflix/",
    "aws-waf-logs-",
)
API_LOGS = "API-Gateway-Execution-Logs_"
SAM_BUCKET = "aws-sam-cli-managed-default"
TASKS_AT_ONCE = 10


def everything(scene: Scene, kept: AbstractSet[str]) -> list[str]:
    """Remove it; `kept` is what KEEP_BACKUPS keeps. Returns what was done, a line each."""
    done = [
        _automated_backups(scene),
        _snapshots(scene, kept),
        _redis_snapshots(scene),
        _table_backups(scene, kept),
        _copied_recovery_points(scene),
        _log_groups(scene),
        _address_book(scene),
        _layer_versions(scene),
        _task_definitions(scene),
        _api_logging_role(scene),
        _packages(scene),
    ]
    return [line for line in done if line]


def _automated_backups(scene: Scene) -> str:
    listed = list(
        scene.each("rds", "describe_db_cluster_automated_backups", "DBClusterAutomatedBackups")
    )
    ours = [
        each
        for each in listed
        if scene.ours(each["DBClusterIdentifier"]) and each.get("Status") == "retained"
    ]
    for each in ours:
        scene.at("rds").delete_db_cluster_automated_backup(
            DbClusterResourceId=each["DbClusterResourceId"]
        )
    return _counted(len(ours), "retained automated backup")


def _snapshots(scene: Scene, kept: AbstractSet[str]) -> str:
    rds = scene.at("rds")
    names = [
        each["DBClusterSnapshotIdentifier"]
        for each in scene.each("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots")
        if scene.ours(each["DBClusterIdentifier"]) and each.get("SnapshotType") == "manual"
    ]
    names = [name for name in names if name not in kept]
    for name in names:
        with suppress(rds.exceptions.DBClusterSnapshotNotFoundFault):
            rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
    return _counted(len(names), "database snapshot")


def _redis_snapshots(scene: Scene) -> str:
    names = [
        each["SnapshotName"]
        for each in scene.each("elasticache", "describe_snapshots", "Snapshots")
        if scene.ours(each.get("ReplicationGroupId") or each.get("CacheClusterId", ""))
        and each.get("SnapshotSource") != "automated"
    ]
    for name in names:
        scene.at("elasticache").delete_snapshot(SnapshotName=name)
    return _counted(len(names), "Redis snapshot")


def _table_backups(scene: Scene, kept: AbstractSet[str]) -> str:
    """On-demand ones. AWS's own last backup of a table goes by itself after 35 days, for free."""
    arns = [
        each["BackupArn"]
        for each in scene.each("dynamodb", "list_backups", "BackupSummaries", BackupType="USER")
        if scene.ours(each["TableName"]) and each["BackupArn"] not in kept
    ]
    for arn in arns:
        scene.at("dynamodb").delete_backup(BackupArn=arn)
    return _counted(len(arns), "backup of a table", "backups of tables")


def copies_abroad(scene: Scene) -> tuple[str, str, list[dict[str, Any]]]:
    """Region, vault, and our recovery points in it; the vault is not ours, its other points stay.

    The laptop has one region, hence no copies.
    """
    pattern = r"arn:[^:]+:backup:([^:]+):\d+:backup-vault:(.+)"
    found = [re.fullmatch(pattern, each) for each in scene.parameters("BackupCopyVaultArn")]
    if scene.local or not found or found[0] is None:
        return "", "", []
    region, vault = found[0].groups()
    listing = scene.at("backup", region).get_paginator("list_recovery_points_by_backup_vault")
    points = [
        point
        for page in listing.paginate(BackupVaultName=vault)
        for point in page["RecoveryPoints"]
        if _is_source(scene, point.get("ResourceArn", ""))
    ]
    return region, vault, points


def _copied_recovery_points(scene: Scene) -> str:
    region, vault, points = copies_abroad(scene)
    for point in points:
        scene.at("backup", region).delete_recovery_point(
            BackupVaultName=vault, RecoveryPointArn=point["RecoveryPointArn"]
        )
    return _counted(len(points), f"copied recovery point in {region}", f"copies in {region}")


def _is_source(scene: Scene, arn: str) -> bool:
    files = scene.of_kind("AWS::EFS::FileSystem")
    return scene.ours(arn) or any(arn.endswith(f"/{each}") for each in files)


def _log_groups(scene: Scene) -> str:
    apis = tuple(f"{API_LOGS}{each}" for each in scene.of_kind("AWS::ApiGateway::RestApi"))
    names = [
        each["logGroupName"] for each in scene.each("logs", "describe_log_groups", "logGroups")
    ]
    mine = [
        name
        for name in names
        if (name.startswith(LOG_PREFIXES) and scene.ours(name)) or (apis and name.startswith(apis))
    ]
    logs = scene.at("logs")
    for name in mine:
        with suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName=name)
    return _counted(len(mine), "log group")


def _address_book(scene: Scene) -> str:
    """The epoch, which belongs to no stack: the next one would believe it."""
    path = f"/{PROJECT}/{scene.environment}/aurora/"
    names = [
        each["Name"]
        for each in scene.each(
            "ssm",
            "describe_parameters",
            "Parameters",
            ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": [path]}],
        )
    ]
    ssm = scene.at("ssm")
    for name in names:
        with suppress(ssm.exceptions.ParameterNotFound):
            ssm.delete_parameter(Name=name)
    return _counted(len(names), "page of the address book", "pages of the address book")


def _layer_versions(scene: Scene) -> str:
    lambdas, count = scene.at("lambda"), 0
    for layer in list(scene.each("lambda", "list_layers", "Layers")):
        name = layer["LayerName"]
        if not scene.ours(name):
            continue
        for each in scene.each("lambda", "list_layer_versions", "LayerVersions", LayerName=name):
            lambdas.delete_layer_version(LayerName=name, VersionNumber=each["Version"])
            count += 1
    return _counted(count, "layer version")


def _task_definitions(scene: Scene) -> str:
    """Deregistered ones are kept for ever unless they are deleted."""
    arns = [
        arn
        for arn in scene.each(
            "ecs", "list_task_definitions", "taskDefinitionArns", status="INACTIVE"
        )
        if scene.ours(arn)
    ]
    for start in range(0, len(arns), TASKS_AT_ONCE):
        scene.at("ecs").delete_task_definitions(taskDefinitions=arns[start : start + TASKS_AT_ONCE])
    return _counted(len(arns), "task definition")


def _api_logging_role(scene: Scene) -> str:
    """The role that the template retains goes with the last API of the account, not before."""
    gateway, iam = scene.at("apigateway"), scene.at("iam")
    name = _logging_role(scene)
    if not name or shared_role(scene):
        return ""
    reset: dict[str, Any] = {"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}
    gateway.update_account(patchOperations=[reset])
    with suppress(iam.exceptions.NoSuchEntityException):
        _delete_role(iam, name)
    return f"API Gateway's logging role {name}"


def shared_role(scene: Scene) -> str:
    """The role's name when it is ours and other APIs of the account log with it; else empty."""
    name = _logging_role(scene)
    others = scene.each("apigateway", "get_rest_apis", "items")
    ours = set(scene.of_kind("AWS::ApiGateway::RestApi"))
    return name if name and any(each["id"] not in ours for each in others) else ""


def _logging_role(scene: Scene) -> str:
    """Its name when the account's setting names one of ours."""
    arn = str(scene.at("apigateway").get_account().get("cloudwatchRoleArn", ""))
    return arn.rsplit("/", 1)[-1] if scene.ours(arn) else ""


def _delete_role(iam: Any, name: str) -> None:
    for each in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=each["PolicyArn"])
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)


def _packages(scene: Scene) -> str:
    """What `sam deploy` uploaded for this stack; the bucket serves others too and stays."""
    count = 0
    for each in scene.each("s3", "list_buckets", "Buckets"):
        if each["Name"].startswith(SAM_BUCKET):
            prefix = f"{PROJECT}-{scene.environment}/"
            count += unblock.empty_bucket(scene, each["Name"], prefix)
    return _counted(count, "uploaded package")


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}" if count else ""
