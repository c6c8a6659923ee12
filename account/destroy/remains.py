"""Is it really gone? Asked of every service by name, then of the tag index for all the others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from account.names import PROJECT, is_ours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from account.destroy.scene import Scene

TAG_INDEX_SECONDS = 300
"""How long the index of tags may go on naming what is deleted."""


GIVEN = ("secret-arn/", "privacy/")
"""Parameters that people give to the environment; no stack makes them."""

# Deleted, but shown for a while: operation, key, filter.
LINGERING = {
    "natgateway": ("describe_nat_gateways", "NatGateways", "nat-gateway-id"),
    "vpc-endpoint": ("describe_vpc_endpoints", "VpcEndpoints", "vpc-endpoint-id"),
}


class Listing(NamedTuple):
    """How a service is asked for what it has; `name` is the field, empty for plain strings."""

    kind: str
    service: str
    operation: str
    key: str
    name: str
    arguments: dict[str, Any] = {}  # noqa: RUF012 - never changed


LISTINGS = (
    Listing("stacks", "cloudformation", "describe_stacks", "Stacks", "StackName"),
    Listing("clusters", "rds", "describe_db_clusters", "DBClusters", "DBClusterIdentifier"),
    Listing("members", "rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    Listing(
        "snapshots",
        "rds",
        "describe_db_cluster_snapshots",
        "DBClusterSnapshots",
        "DBClusterSnapshotIdentifier",
    ),
    Listing("proxies", "rds", "describe_db_proxies", "DBProxies", "DBProxyName"),
    Listing(
        "subnet groups", "rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"
    ),
    Listing(
        "cluster parameter groups",
        "rds",
        "describe_db_cluster_parameter_groups",
        "DBClusterParameterGroups",
        "DBClusterParameterGroupName",
    ),
    Listing(
        "parameter groups",
        "rds",
        "describe_db_parameter_groups",
        "DBParameterGroups",
        "DBParameterGroupName",
    ),
    Listing(
        "Redis",
        "elasticache",
        "describe_replication_groups",
        "ReplicationGroups",
        "ReplicationGroupId",
    ),
    Listing("Redis users", "elasticache", "describe_users", "Users", "UserId"),
    Listing(
        "Redis user groups", "elasticache", "describe_user_groups", "UserGroups", "UserGroupId"
    ),
    Listing("Redis snapshots", "elasticache", "describe_snapshots", "Snapshots", "SnapshotName"),
    Listing("file systems", "efs", "describe_file_systems", "FileSystems", "Name"),
    Listing("streams", "kinesis", "list_streams", "StreamNames", ""),
    Listing("tables", "dynamodb", "list_tables", "TableNames", ""),
    Listing("functions", "lambda", "list_functions", "Functions", "FunctionName"),
    Listing("layers", "lambda", "list_layers", "Layers", "LayerName"),
    Listing(
        "mappings", "lambda", "list_event_source_mappings", "EventSourceMappings", "FunctionArn"
    ),
    Listing("queues", "sqs", "list_queues", "QueueUrls", ""),
    Listing("topics", "sns", "list_topics", "Topics", "TopicArn"),
    Listing("event buses", "events", "list_event_buses", "EventBuses", "Name"),
    Listing("archives", "events", "list_archives", "Archives", "ArchiveName"),
    Listing("rules", "events", "list_rules", "Rules", "Name"),
    Listing("state machines", "stepfunctions", "list_state_machines", "stateMachines", "name"),
    Listing("roles", "iam", "list_roles", "Roles", "RoleName"),
    Listing("policies", "iam", "list_policies", "Policies", "PolicyName", {"Scope": "Local"}),
    Listing("log groups", "logs", "describe_log_groups", "logGroups", "logGroupName"),
    Listing("alarms", "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    Listing(
        "composite alarms",
        "cloudwatch",
        "describe_alarms",
        "CompositeAlarms",
        "AlarmName",
        {"AlarmTypes": ["CompositeAlarm"]},
    ),
    Listing("dashboards", "cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    Listing(
        "load balancers", "elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"
    ),
    Listing("target groups", "elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    Listing("ECS clusters", "ecs", "list_clusters", "clusterArns", ""),
    Listing("task definitions", "ecs", "list_task_definitions", "taskDefinitionArns", ""),
    Listing("APIs", "apigateway", "get_rest_apis", "items", "name"),
    Listing("VPC links", "apigatewayv2", "get_vpc_links", "Items", "Name"),
    Listing("web ACLs", "wafv2", "list_web_acls", "WebACLs", "Name", {"Scope": "REGIONAL"}),
    Listing("buckets", "s3", "list_buckets", "Buckets", "Name"),
    Listing("vaults", "backup", "list_backup_vaults", "BackupVaultList", "BackupVaultName"),
    Listing("backup plans", "backup", "list_backup_plans", "BackupPlansList", "BackupPlanName"),
    Listing("key aliases", "kms", "list_aliases", "Aliases", "AliasName"),
    Listing("security groups", "ec2", "describe_security_groups", "SecurityGroups", "GroupName"),
    Listing(
        "network interfaces",
        "ec2",
        "describe_network_interfaces",
        "NetworkInterfaces",
        "Description",
    ),
)


def by_name(scene: Scene, kept: AbstractSet[str]) -> Iterator[str]:
    """`kind: name` of everything that is still there under a name of ours."""
    for each in LISTINGS:
        for entry in scene.each(each.service, each.operation, each.key, **each.arguments):
            name = str(entry.get(each.name, "")) if each.name else str(entry)
            if is_ours(scene.environment, name) and name not in kept:
                yield f"{each.kind}: {name}"
    yield from _address_book(scene)
    yield from _networks(scene)


def _address_book(scene: Scene) -> Iterator[str]:
    path = f"/{PROJECT}/{scene.environment}/"
    parameters = scene.each(
        "ssm",
        "describe_parameters",
        "Parameters",
        ParameterFilters=[{"Key": "Name", "Option": "BeginsWith", "Values": [path]}],
    )
    for each in parameters:
        if not each["Name"].startswith(tuple(path + given for given in GIVEN)):
            yield f"parameters: {each['Name']}"


def _networks(scene: Scene) -> Iterator[str]:
    """A VPC has an id only: known from the stack, or by its name tag."""
    for each in scene.each("ec2", "describe_vpcs", "Vpcs"):
        tags = {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])}
        known = each["VpcId"] in scene.of_kind("AWS::EC2::VPC")
        if known or is_ours(scene.environment, tags.get("Name", "")):
            yield f"VPCs: {each['VpcId']}"


def by_tag(scene: Scene, kept: AbstractSet[str], within: float = TAG_INDEX_SECONDS) -> list[str]:
    """What the tag index still names after it had time to forget."""
    deadline = time.monotonic() + (0 if scene.local else within)
    while True:
        left = list(_tagged(scene, kept))
        if not left or time.monotonic() >= deadline:
            return left
        scene.view.progress(f"waiting for the tag index to forget {len(left)} names")
        time.sleep(15)


def keys_by_tag(scene: Scene) -> Iterator[str]:
    """The environment's keys, also when the stack is long forgotten."""
    yield from (arn for arn in _index(scene) if ":kms:" in arn)


def _index(scene: Scene) -> Iterator[str]:
    entries = scene.each(
        "resourcegroupstaggingapi",
        "get_resources",
        "ResourceTagMappingList",
        TagFilters=[
            {"Key": "Project", "Values": [PROJECT]},
            {"Key": "Environment", "Values": [scene.environment]},
        ],
    )
    yield from (str(each["ResourceARN"]) for each in entries)


def _tagged(scene: Scene, kept: AbstractSet[str]) -> Iterator[str]:
    for arn in _index(scene):
        saved = any(arn.endswith(name) for name in kept)
        if not saved and not _may_stay(scene, arn) and not _is_ghost(scene, arn):
            yield arn


def _is_ghost(scene: Scene, arn: str) -> bool:
    """The index goes on naming what is gone, for minutes or an hour.

    What has a name of ours in a service that was asked by name is gone when it was not found there.
    """
    service, rest = arn.split(":", 5)[2], arn.split(":", 5)[5]
    if is_ours(scene.environment, arn) and service in {_in_arns(each.service) for each in LISTINGS}:
        return True
    kind, _, identity = rest.partition("/")
    if service == "ssm" and identity.startswith(f"{PROJECT}/{scene.environment}/"):
        return True
    if service == "ec2" and kind in LINGERING:
        operation, key, name = LINGERING[kind]
        filters = [{"Name": name, "Values": [identity]}]
        found = scene.each("ec2", operation, key, Filters=filters)
        return all(each["State"].lower() == "deleted" for each in found)
    return False


def _in_arns(service: str) -> str:
    """What a service is called in an ARN."""
    return {
        "elbv2": "elasticloadbalancing",
        "stepfunctions": "states",
        "efs": "elasticfilesystem",
        "apigatewayv2": "apigateway",
    }.get(service, service)


def _may_stay(scene: Scene, arn: str) -> bool:
    """The environment's own secrets with their parameters, and keys on their way out."""
    service, rest = arn.split(":", 5)[2], arn.split(":", 5)[5]
    if service == "secretsmanager":
        return True
    if service == "ssm":
        return any(f"/{scene.environment}/{given}" in rest for given in GIVEN)
    if service == "kms":
        state = scene.at("kms").describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]
        return bool(state == "PendingDeletion")
    return False
