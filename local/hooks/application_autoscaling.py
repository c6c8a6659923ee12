"""Gap: MiniStack knows no Application Auto Scaling: neither its API nor its CloudFormation types.

Targets and policies are recorded. A service gets the tasks that are the least; beyond that nothing
is scaled: no reader and no task comes or goes by load. What AWS refuses at once is refused here: a
maximum below the minimum, a second registration of the same target, a policy without a target.

Test: tests/contract/local/test_application_autoscaling.py
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from local import gateway, resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES = resource_types.PATCHES
TYPES: tuple[str, ...] = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
)

IDENTITY = ("ResourceId", "ScalableDimension", "ServiceNamespace")
"""Properties that make a target; another value is another target."""


def install(cloud: Cloud) -> None:  # noqa: ARG001
    targets = Targets()
    resource_types.register(TYPES[0], targets.create, targets.delete, targets.update)
    resource_types.register(TYPES[1], targets.create_policy, targets.delete_policy)


class Targets:
    """What is registered, by the id that ``Ref`` returns."""

    def __init__(self) -> None:
        self._registered: dict[str, Properties] = {}

    def create(self, _: str, properties: Properties, __: str) -> Created:
        identity = _identity(properties)
        if identity in self._registered:
            raise ValueError(f"{identity} is registered already")
        return self._register(identity, properties)

    def update(self, identity: str, _: Properties, new: Properties, __: str, ___: str) -> Created:
        if _identity(new) != identity:
            return self.create("", new, "")
        return self._register(identity, new)

    def delete(self, identity: str, _: Properties) -> None:
        self._registered.pop(identity, None)

    def create_policy(self, _: str, properties: Properties, __: str) -> Created:
        target = properties.get("ScalingTargetId") or _identity(properties)
        if target not in self._registered:
            raise ValueError(f"No scalable target registered for {target}")
        resource, _dimension, namespace = str(target).split("|")
        arn = (
            f"arn:aws:autoscaling:eu-central-1:000000000000:scalingPolicy:{uuid.uuid4()}"
            f":resource/{namespace}/{resource}:policyName/{properties['PolicyName']}"
        )
        return arn, {"Arn": arn}

    def delete_policy(self, _: str, __: Properties) -> None:
        """Nothing is kept of a policy."""

    def _register(self, identity: str, properties: Properties) -> Created:
        least, most = int(properties["MinCapacity"]), int(properties["MaxCapacity"])
        if most < least:
            raise ValueError(f"Maximum capacity {most} is less than minimum capacity {least}")
        self._registered[identity] = properties
        if properties["ServiceNamespace"] == "ecs":
            _bring_up(str(properties["ResourceId"]), least)
        return identity, {"Id": identity}


def _identity(properties: Properties) -> str:
    return "|".join(str(properties[key]) for key in IDENTITY)


def _bring_up(resource: str, least: int) -> None:
    """``service/<cluster>/<service>``: AWS starts what is missing to the least, before any load."""
    _, cluster, service = resource.split("/")
    where = {"cluster": cluster, "services": [service]}
    for found in gateway.call("ecs", "DescribeServices", where)["services"]:
        if found["desiredCount"] < least:
            wanted = {"cluster": cluster, "service": service, "desiredCount": least}
            gateway.call("ecs", "UpdateService", wanted)
