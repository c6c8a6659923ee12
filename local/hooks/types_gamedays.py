"""Gap: MiniStack knows no Fault Injection Service: neither its API nor its experiment templates.

A template is a record that only its stack knows; no experiment can be started. What AWS refuses at
once is refused here: an action on a target that is not there, one that follows an unknown action.

Test: tests/contract/local/test_types_gamedays.py
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING

from local import resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES = resource_types.PATCHES
TYPES: tuple[str, ...] = ("AWS::FIS::ExperimentTemplate",)

LETTERS = string.ascii_letters + string.digits


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register(TYPES[0], create, delete, update)


def create(_: str, properties: Properties, __: str) -> Created:
    check(properties)
    identity = "EXT" + "".join(secrets.choice(LETTERS) for _ in range(17))
    return identity, {"Id": identity}


def update(identity: str, _: Properties, new: Properties, __: str, ___: str) -> Created:
    check(new)
    return identity, {"Id": identity}


def delete(_: str, __: Properties) -> None:
    """Nothing is kept of a template."""


def check(properties: Properties) -> None:
    actions = properties.get("Actions", {})
    for name, action in actions.items():
        if missing := set(action.get("Targets", {}).values()) - properties["Targets"].keys():
            raise ValueError(f"Action {name} names a target that does not exist: {sorted(missing)}")
        if missing := set(action.get("StartAfter", [])) - actions.keys():
            raise ValueError(f"Action {name} follows one that does not exist: {sorted(missing)}")
