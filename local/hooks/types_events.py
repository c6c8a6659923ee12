"""Gap: CloudFormation does not know archives of event buses.

MiniStack's EventBridge has them; the handler here calls it.

Test: tests/contract/local/test_types_events.py
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local import gateway, resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES = resource_types.PATCHES
TYPES: tuple[str, ...] = ("AWS::Events::Archive",)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register("AWS::Events::Archive", create, delete, update)


def create(logical_id: str, properties: Properties, stack: str) -> Created:
    name = resource_types.name(properties, "ArchiveName", stack, logical_id, 48)
    wanted = _wanted(name, properties) | {"EventSourceArn": properties["SourceArn"]}
    arn = gateway.call("events", "CreateArchive", wanted)["ArchiveArn"]
    return name, {"Arn": arn, "ArchiveName": name}


def update(name: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
    if any(old.get(key) != new.get(key) for key in ("ArchiveName", "SourceArn")):
        return create(logical_id, new, stack)
    arn = gateway.call("events", "UpdateArchive", _wanted(name, new))["ArchiveArn"]
    return name, {"Arn": arn, "ArchiveName": name}


def delete(name: str, _: Properties) -> None:
    gateway.call("events", "DeleteArchive", {"ArchiveName": name})


def _wanted(name: str, properties: Properties) -> Properties:
    wanted = properties | {"ArchiveName": name}
    if isinstance(properties.get("EventPattern"), dict):
        wanted["EventPattern"] = json.dumps(properties["EventPattern"])
    return wanted
