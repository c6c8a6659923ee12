"""Gives CloudFormation handlers for resource types that MiniStack's lacks.

A handler runs on a thread of its own, so it may call the gateway. What AWS would change in place
needs an ``update``; any other change creates the resource anew, and the stack then deletes the old
one in its clean-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services.cloudformation import provisioners, stacks

if TYPE_CHECKING:
    from collections.abc import Callable

Properties = dict[str, Any]
Created = tuple[str, dict[str, Any]]
"""The physical id (what ``Ref`` returns) and the attributes (what ``Fn::GetAtt`` finds)."""


def register(
    kind: str,
    create: Callable[[str, Properties, str], Created],
    delete: Callable[[str, Properties], None],
    update: Callable[[str, Properties, Properties, str, str], Created] | None = None,
) -> None:
    """Handle this type. ``create(logical id, properties, stack)``, ``delete(physical id, …)``,
    ``update(physical id, old, new, stack, logical id)``; without one each change replaces, but for
    tags.
    """

    attributes: dict[str, dict[str, Any]] = {}

    def make(logical_id: str, properties: Properties, stack: str) -> Created:
        identity, attributes[identity] = made = create(logical_id, properties, stack)
        return made

    def replace(
        identity: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Created:
        if untagged(old) == untagged(new):
            return identity, attributes[identity]
        return make(logical_id, new, stack)

    provisioners._RESOURCE_HANDLERS[kind] = {
        "create": make,
        "update": update or replace,
        "update_with_logical_id": True,
        "delete": delete,
    }
    on_a_thread(kind)


def untagged(properties: Properties) -> Properties:
    return {key: value for key, value in properties.items() if key != "Tags"}


def on_a_thread(*kinds: str) -> None:
    """Let the handlers of these types block: they no longer run on the gateway's loop."""
    before = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind in kinds or before(kind)


def name(properties: Properties, key: str, stack: str, logical_id: str, longest: int) -> str:
    """The name that the template gives, or one made from the stack's and the logical id."""
    given = properties.get(key)
    return str(given or provisioners._physical_name(stack, logical_id, max_len=longest))


PATCHES: tuple[str, ...] = (
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS",
    "ministack.services.cloudformation.provisioners:_physical_name",
    "ministack.services.cloudformation.stacks:_runs_on_worker_thread",
)
"""What every hook that registers a type relies on."""
