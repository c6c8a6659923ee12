"""Gap: CloudFormation keeps half of a task definition and of a service, in its own spelling.

Here both go through MiniStack's ECS, so that what is described is what a template says. A service
without `DesiredCount` starts with one task and keeps its number when it is changed. Tasks are
recorded, not run.

Test: tests/contract/local/test_types_ecs.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from ministack.services import ecs

from local import gateway, resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES: tuple[str, ...] = (
    *resource_types.PATCHES,
    "ministack.services.ecs:_resolve_cluster_name",
    "ministack.services.ecs:_services",
)
TYPES: tuple[str, ...] = ("AWS::ECS::Service", "AWS::ECS::TaskDefinition")

UNCHANGEABLE = ("ServiceName", "Cluster", "LaunchType", "SchedulingStrategy", "Role")
DROPPED = ("availabilityZoneRebalancing", "enableECSManagedTags", "propagateTags")
"""Settings that MiniStack's ECS does not take or does not change; written into its record."""


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register("AWS::ECS::TaskDefinition", define, forget, redefine)
    resource_types.register("AWS::ECS::Service", create, delete, update)


def define(logical_id: str, properties: Properties, stack: str) -> Created:
    family = resource_types.name(properties, "Family", stack, logical_id, 255)
    wanted = spelled("RegisterTaskDefinition", properties | {"Family": family})
    made = gateway.call("ecs", "RegisterTaskDefinition", wanted)["taskDefinition"]
    arn = str(made["taskDefinitionArn"])
    return arn, {"TaskDefinitionArn": arn}


def redefine(arn: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
    """Each change makes a new revision; the clean-up deregisters the old one."""
    if resource_types.untagged(old) != resource_types.untagged(new):
        return define(logical_id, new, stack)
    tags = spelled("TagResource", {"Tags": new.get("Tags", [])})
    gateway.call("ecs", "TagResource", {"resourceArn": arn} | tags)
    return arn, {"TaskDefinitionArn": arn}


def forget(arn: str, _: Properties) -> None:
    gateway.call("ecs", "DeregisterTaskDefinition", {"taskDefinition": arn})


def create(logical_id: str, properties: Properties, stack: str) -> Created:
    name = resource_types.name(properties, "ServiceName", stack, logical_id, 255)
    wanted = {"desiredCount": 1} | spelled("CreateService", properties | {"ServiceName": name})
    made = gateway.call("ecs", "CreateService", wanted)["service"]
    record(wanted, name)
    return attributes(str(made["serviceArn"]), name)


def update(arn: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
    if any(old.get(key) != new.get(key) for key in UNCHANGEABLE):
        return create(logical_id, new, stack)
    name = arn.rpartition("/")[2]
    wanted = spelled("UpdateService", new)
    gateway.call("ecs", "UpdateService", wanted | {"service": name})
    record(wanted, name)
    return attributes(arn, name)


def delete(arn: str, properties: Properties) -> None:
    """A service that is gone, or whose cluster is, is no failure."""
    given = {"service": arn, "cluster": properties.get("Cluster", "default"), "force": True}
    try:
        gateway.call("ecs", "DeleteService", given)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {
            "ServiceNotFoundException",
            "ClusterNotFoundException",
        }:
            raise


def record(wanted: dict[str, Any], name: str) -> None:
    cluster = ecs._resolve_cluster_name(wanted.get("cluster", "default"))
    kept = {key: wanted[key] for key in DROPPED if key in wanted}
    ecs._services[f"{cluster}/{name}"].update(kept)


def attributes(arn: str, name: str) -> Created:
    return arn, {"ServiceArn": arn, "Name": name}


def spelled(operation: str, properties: Properties) -> dict[str, Any]:
    """A template's properties as the operation's members: ``EFSVolumeConfiguration`` is the API's
    ``efsVolumeConfiguration``. What the operation does not have is dropped.
    """
    model = gateway.client("ecs").meta.service_model.operation_model(operation)
    found: dict[str, Any] = _spelled(properties, model.input_shape)
    return found


def _spelled(value: Any, shape: Any) -> Any:
    match shape.type_name, value:
        case "structure", dict():
            members = {name.lower(): name for name in shape.members}
            return {
                members[key.lower()]: _spelled(given, shape.members[members[key.lower()]])
                for key, given in value.items()
                if key.lower() in members
            }
        case "list", list():
            return [_spelled(each, shape.member) for each in value]
        case _:
            return value
