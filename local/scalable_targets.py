"""What Application Auto Scaling is told to scale, by API and by stack.

A service gets the tasks that are the least; beyond that nothing is scaled.
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import rds

from local import gateway

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Target = dict[str, Any]

PATCHES: tuple[str, ...] = ("ministack.services.rds:_clusters",)

SERVICE = "application-autoscaling"
IDENTITY = ("ResourceId", "ScalableDimension", "ServiceNamespace")
"""Properties that make a target; another value is another target."""
CAPACITIES = ("MinCapacity", "MaxCapacity")
SUSPENSIONS = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)
LINKED = {"rds": "RDSCluster", "ecs": "ECSService"}
"""How the service's own role is called."""


class RegistrationRefused(ValueError):
    """What AWS answers with a ``ValidationException``."""


class ScalableTargets:
    """What is registered, by the id that ``Ref`` returns."""

    def __init__(self) -> None:
        self._all: dict[str, Target] = {}

    def get(self, identity: str) -> Target | None:
        return self._all.get(identity)

    def forget(self, identity: str) -> None:
        self._all.pop(identity, None)

    def matching(self, named: Mapping[str, Any], resources: Iterable[str]) -> list[Target]:
        """Those that have these properties; of no resource named, all."""
        wanted = {key: named[key] for key in IDENTITY if key in named}
        found = [each for each in self._all.values() if wanted.items() <= each.items()]
        chosen = set(resources) or {each["ResourceId"] for each in found}
        return [each for each in found if each["ResourceId"] in chosen]

    def register(self, asked: Mapping[str, Any]) -> Target:
        """What is not said stays as it is; of a new target both capacities must be said.

        Raises: `RegistrationRefused`.
        """
        identity, resource = identity_of(asked), str(asked["ResourceId"])
        known = self._all.get(identity)
        changed = {key: int(asked[key]) for key in CAPACITIES if key in asked}
        if known is None and len(changed) < len(CAPACITIES):
            raise RegistrationRefused("A new target needs a minimum and a maximum capacity.")
        target = {**(known or _blank(asked)), **changed}
        least, most = target["MinCapacity"], target["MaxCapacity"]
        if most < least:
            raise RegistrationRefused(
                f"Maximum capacity {most} is less than minimum capacity {least}"
            )
        if asked["ServiceNamespace"] == "rds" and cluster_of(asked) not in rds._clusters:
            raise RegistrationRefused(f"There is no DB cluster: {resource}")
        said = asked.get("SuspendedState") or {}
        suspended = {key: str(said[key]).lower() == "true" for key in SUSPENSIONS if key in said}
        target["SuspendedState"] = {**target["SuspendedState"], **suspended}
        self._all[identity] = target
        if asked["ServiceNamespace"] == "ecs":
            _bring_up(resource, least)
        return target


def identity_of(properties: Mapping[str, Any]) -> str:
    return "|".join(str(properties.get(key, "")) for key in IDENTITY)


def cluster_of(properties: Mapping[str, Any]) -> str:
    """``cluster:<name>``: the database cluster that a target of rds scales."""
    return str(properties["ResourceId"]).rpartition(":")[2]


def _blank(asked: Mapping[str, Any]) -> Target:
    """A target that nothing is known of but its name."""
    account, namespace = get_account_id(), str(asked["ServiceNamespace"])
    role = (
        f"aws-service-role/{namespace}.{SERVICE}.amazonaws.com"
        f"/AWSServiceRoleForApplicationAutoScaling_{LINKED.get(namespace, namespace)}"
    )
    scope = f"arn:aws:{SERVICE}:{get_region()}:{account}"
    return {
        **{key: str(asked[key]) for key in IDENTITY},
        "RoleARN": f"arn:aws:iam::{account}:role/{role}",
        "CreationTime": round(time.time(), 3),
        "SuspendedState": dict.fromkeys(SUSPENSIONS, False),
        "ScalableTargetARN": f"{scope}:scalable-target/{uuid.uuid4().hex}",
    }


def _bring_up(resource: str, least: int) -> None:
    """``service/<cluster>/<service>``: AWS starts what is missing to the least, before any load."""
    _, cluster, service = resource.split("/")
    where = {"cluster": cluster, "services": [service]}
    for found in gateway.call("ecs", "DescribeServices", where)["services"]:
        if found["desiredCount"] < least:
            wanted = {"cluster": cluster, "service": service, "desiredCount": least}
            gateway.call("ecs", "UpdateService", wanted)
