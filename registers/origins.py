"""All stacks as one platform: where a value that is handed down or read up really comes from."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.contract.templates import house

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "Root"
STACKS = ("AWS::Serverless::Application", "AWS::CloudFormation::Stack")


@dataclass(frozen=True, order=True)
class Origin:
    """A resource, or a parameter of the root, and the stack that it stands in."""

    stack: str
    name: str

    @property
    def resource(self) -> house.Body:
        """As deployed; empty for a parameter."""
        return dict(stacks()[self.stack].resources().get(self.name, {}))

    @property
    def kind(self) -> str:
        return str(self.resource.get("Type", "Parameter"))

    @property
    def properties(self) -> house.Body:
        return dict(self.resource.get("Properties", {}))


@functools.cache
def stacks() -> dict[str, house.Stack]:
    """Every stack as deployed by its logical id, the root first, each before what it holds."""
    deployed = house.as_deployed()
    below = {name: deployed[stack.name] for name, stack in house.children().items()}
    return {ROOT: deployed[house.root().name], **below}


@functools.cache
def holder(stack: str) -> str:
    """The logical id of the stack that holds this one."""
    name = house.parent(stack).name
    return next(it for it, other in stacks().items() if other.name == name)


def children(stack: str) -> list[str]:
    """The stacks directly in this one, in its order."""
    return [it for it in stacks() if it != ROOT and holder(it) == stack]


def everything(*kinds: str) -> Iterator[Origin]:
    """Every resource of these types, or of all, but the nested stacks; in the templates' order."""
    for stack, template in stacks().items():
        for name, resource in template.resources(*kinds).items():
            if resource["Type"] not in STACKS:
                yield Origin(stack, name)


def source(stack: str, value: Any) -> frozenset[Origin]:
    """The resources and root parameters that a value may come from, through any number of stacks.

    Both branches of a condition count: a register shows what may be.
    """
    if isinstance(value, list):
        return frozenset().union(*(source(stack, item) for item in value))
    if not isinstance(value, dict):
        return frozenset()
    match value:
        case {"Ref": str(name)}:
            return _named(stack, name)
        case {"Fn::GetAtt": [name, attribute]}:
            return _attribute(stack, name, attribute)
        case {"Fn::If": [_, yes, no]}:
            return source(stack, [yes, no])
        case {"Fn::Sub": _}:
            names = [{"Ref": name} for name in sorted(house.names_used(value))]
            return source(stack, names)
    return source(stack, list(value.values()))


def _named(stack: str, name: str) -> frozenset[Origin]:
    if name.startswith("AWS::"):
        return frozenset()
    if name not in stacks()[stack].parameters:
        return frozenset({Origin(stack, name)})
    if stack == ROOT:
        return frozenset({Origin(ROOT, name)})
    return source(holder(stack), house.given(stack).get(name))


def _attribute(stack: str, name: str, attribute: str) -> frozenset[Origin]:
    if stacks()[stack].resources().get(name, {}).get("Type") not in STACKS:
        return frozenset({Origin(stack, name)})
    output = stacks()[name].outputs.get(attribute.removeprefix("Outputs."), {})
    return source(name, output.get("Value"))


def options(value: Any) -> Iterator[Any]:
    """The items of a list, those inside conditions too."""
    for item in value if isinstance(value, list) else [value]:
        match item:
            case {"Fn::If": [_, yes, no]}:
                yield from options([*_listed(yes), *_listed(no)])
            case {"Ref": "AWS::NoValue"} | None:
                pass
            case _:
                yield item


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def words(logical_id: str) -> str:
    """A logical id as words: `OpsDeadLetters` reads `ops dead letters`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", logical_id).lower()
