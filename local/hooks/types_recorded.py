"""Gap: MiniStack has no application auto scaling and no event subscriptions of RDS.

Nothing on a laptop scales readers or mails operators, so these resources are recorded only: their
identity is right, they can be created, changed and deleted, and they do nothing.

Test: tests/contract/local/test_types_recorded.py
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ministack.core.responses import get_account_id, get_region

from local import resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES = resource_types.PATCHES
TYPES: tuple[str, ...] = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::RDS::EventSubscription",
)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    creators = (_scalable_target, _scaling_policy, _event_subscription)
    for kind, create in zip(TYPES, creators, strict=True):
        resource_types.register(kind, create, _forget)


def _scalable_target(_: str, properties: Properties, __: str) -> Created:
    keys = ("ResourceId", "ScalableDimension", "ServiceNamespace")
    identity = "|".join(properties[key] for key in keys)
    return identity, {"Id": identity}


def _scaling_policy(_: str, properties: Properties, __: str) -> Created:
    scope = f"arn:aws:autoscaling:{get_region()}:{get_account_id()}"
    arn = f"{scope}:scalingPolicy:{uuid.uuid4()}:policyName/{properties['PolicyName']}"
    return arn, {"Arn": arn}


def _event_subscription(logical_id: str, properties: Properties, stack: str) -> Created:
    name = resource_types.name(properties, "SubscriptionName", stack, logical_id, 255).lower()
    return name, {}


def _forget(identity: str, properties: Properties) -> None:
    """Nothing was made, so nothing is to be taken away."""
