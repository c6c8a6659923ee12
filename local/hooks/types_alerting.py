"""Gap: CloudFormation does not know composite alarms, archives and policies of event buses.

MiniStack's CloudWatch and EventBridge have them; the handlers here call these.

Test: tests/contract/local/test_types_alerting.py
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id, get_region

from local import gateway, resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES = resource_types.PATCHES
TYPES: tuple[str, ...] = (
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::Events::Archive",
    "AWS::Events::EventBusPolicy",
)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register(
        "AWS::CloudWatch::CompositeAlarm", _create_alarm, _delete_alarm, _update_alarm
    )
    resource_types.register(
        "AWS::Events::Archive", _create_archive, _delete_archive, _update_archive
    )
    resource_types.register("AWS::Events::EventBusPolicy", _put_policy, _remove_policy)


def _create_alarm(logical_id: str, properties: Properties, stack: str) -> Created:
    name = resource_types.name(properties, "AlarmName", stack, logical_id, 255)
    wanted = {key: value for key, value in properties.items() if key != "Tags"}
    gateway.call("cloudwatch", "PutCompositeAlarm", wanted | {"AlarmName": name})
    return name, {"Arn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"}


def _update_alarm(name: str, _: Properties, new: Properties, stack: str) -> Created:
    return _create_alarm(name, {"AlarmName": name} | new, stack)


def _delete_alarm(name: str, _: Properties) -> None:
    gateway.call("cloudwatch", "DeleteAlarms", {"AlarmNames": [name]})


def _create_archive(logical_id: str, properties: Properties, stack: str) -> Created:
    name = resource_types.name(properties, "ArchiveName", stack, logical_id, 48)
    wanted = {
        "ArchiveName": name,
        "EventSourceArn": properties["SourceArn"],
        **_archive(properties),
    }
    arn = gateway.call("events", "CreateArchive", wanted)["ArchiveArn"]
    return name, {"Arn": arn, "ArchiveName": name}


def _update_archive(name: str, old: Properties, new: Properties, stack: str) -> Created:
    moved = any(old.get(key) != new.get(key) for key in ("ArchiveName", "SourceArn"))
    if moved:
        return _create_archive(name, new, stack)
    answer = gateway.call("events", "UpdateArchive", {"ArchiveName": name, **_archive(new)})
    return name, {"Arn": answer["ArchiveArn"], "ArchiveName": name}


def _delete_archive(name: str, _: Properties) -> None:
    gateway.call("events", "DeleteArchive", {"ArchiveName": name})


def _archive(properties: Properties) -> dict[str, Any]:
    wanted = {key: properties[key] for key in ("Description", "RetentionDays") if key in properties}
    if "EventPattern" in properties:
        wanted["EventPattern"] = json.dumps(properties["EventPattern"])
    return wanted


def _put_policy(logical_id: str, properties: Properties, stack: str) -> Created:  # noqa: ARG001
    bus = properties.get("EventBusName", "default")
    wanted = {"EventBusName": bus, "StatementId": properties["StatementId"]}
    if "Statement" in properties:
        described = gateway.call("events", "DescribeEventBus", {"Name": bus})
        policy = json.loads(described.get("Policy") or '{"Version": "2012-10-17", "Statement": []}')
        others = [each for each in policy["Statement"] if each.get("Sid") != wanted["StatementId"]]
        policy["Statement"] = [*others, properties["Statement"] | {"Sid": wanted["StatementId"]}]
        gateway.call("events", "PutPermission", {"EventBusName": bus, "Policy": json.dumps(policy)})
    else:
        keys = ("Action", "Principal", "Condition")
        given = {key: properties[key] for key in keys if key in properties}
        gateway.call("events", "PutPermission", wanted | given)
    return f"{bus}|{wanted['StatementId']}", {}


def _remove_policy(_: str, properties: Properties) -> None:
    wanted = {key: properties[key] for key in ("EventBusName", "StatementId") if key in properties}
    gateway.call("events", "RemovePermission", wanted)
