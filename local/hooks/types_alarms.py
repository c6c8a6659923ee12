"""Gap: CloudFormation does not know composite alarms.

MiniStack's CloudWatch has them and evaluates their rules; the handler here calls it. A rule that
names an alarm that does not exist fails the stack, as on AWS.

Test: tests/contract/local/test_alarms.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.core.responses import get_account_id, get_region

from local import gateway, resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES = resource_types.PATCHES
TYPES: tuple[str, ...] = ("AWS::CloudWatch::CompositeAlarm",)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register("AWS::CloudWatch::CompositeAlarm", create, delete, update)


def create(logical_id: str, properties: Properties, stack: str) -> Created:
    return put(resource_types.name(properties, "AlarmName", stack, logical_id, 255), properties)


def update(name: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
    if old.get("AlarmName") != new.get("AlarmName"):
        return create(logical_id, new, stack)
    return put(name, new)


def put(name: str, properties: Properties) -> Created:
    wanted = resource_types.untagged(properties) | {"AlarmName": name}
    gateway.call("cloudwatch", "PutCompositeAlarm", wanted)
    return name, {"Arn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"}


def delete(name: str, _: Properties) -> None:
    gateway.call("cloudwatch", "DeleteAlarms", {"AlarmNames": [name]})
