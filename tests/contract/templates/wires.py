"""Where a value comes from: along parameters, outputs and nested stacks to what makes it.

A `Tree` is the whole platform as one graph. With `given` (root parameters) its conditions are
decided as CloudFormation decides them; without, a value may come from either branch.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.contract.templates import house

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Body = dict[str, Any]
Place = tuple[str, Any]  # a stack, and something that stands in it
NOTHING = {"Ref": "AWS::NoValue"}
OUTPUT = "Outputs."
NESTED = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, order=True)
class Made:
    """A value made by a resource; `attribute` is `Ref` or what `Fn::GetAtt` asks for."""

    stack: str
    logical_id: str
    attribute: str = "Ref"


@dataclass(frozen=True, order=True)
class Asked:
    """A value that whoever deploys gives to the root."""

    parameter: str


@dataclass(frozen=True, order=True)
class Said:
    """A value that stands in a template, or that CloudFormation itself knows."""

    text: str


Origin = Made | Asked | Said


@dataclass(frozen=True, repr=False)
class Resource:
    stack: str
    logical_id: str
    body: Body = field(compare=False)

    @property
    def kind(self) -> str:
        return str(self.body["Type"])

    @property
    def properties(self) -> Body:
        return dict(self.body.get("Properties", {}))

    def __repr__(self) -> str:
        return f"{self.stack}.{self.logical_id}"


class Tree:
    """Templates by the logical id of their nested stack; the first is the root."""

    def __init__(self, bodies: Mapping[str, Body], given: Mapping[str, str] | None = None) -> None:
        self.bodies = dict(bodies)
        self.root = next(iter(self.bodies))
        self.given = given
        self.holder = {
            child: stack
            for stack, body in self.bodies.items()
            for child, resource in body["Resources"].items()
            if resource["Type"] == NESTED
        }

    # --- What there is ---

    def resources(self, *kinds: str) -> list[Resource]:
        """All resources of these types (of any without) that exist with the given parameters."""
        return [
            Resource(stack, logical_id, body)
            for stack in self.bodies
            if self.exists(stack)
            for logical_id, body in self.bodies[stack]["Resources"].items()
            if (not kinds or body["Type"] in kinds) and self._wanted(stack, body)
        ]

    def resource(self, stack: str, logical_id: str) -> Resource:
        return Resource(stack, logical_id, self.bodies[stack]["Resources"][logical_id])

    def exists(self, stack: str) -> bool:
        if stack not in self.holder:
            return True
        holder = self.holder[stack]
        return self.exists(holder) and self._wanted(holder, self.resource(holder, stack).body)

    def _wanted(self, stack: str, body: Body) -> bool:
        return self.given is None or "Condition" not in body or self.holds(stack, body["Condition"])

    # --- Where a value comes from ---

    def hop(self, stack: str, node: Any) -> Place | None:
        """One step along a wire: a parameter's value, an output's value, a decided branch."""
        match node:
            case {"Ref": str(name)} if stack in self.holder and name in self._parameters(stack):
                holder = self.holder[stack]
                given = self.resource(holder, stack).properties.get("Parameters", {})
                if name in given:
                    return holder, given[name]
                return stack, self._parameters(stack)[name].get("Default", "")
            case {"Fn::GetAtt": [str(child), str(output)]} if output.startswith(OUTPUT):
                outputs = self.bodies[child].get("Outputs", {})
                return child, outputs[output.removeprefix(OUTPUT)]["Value"]
            case {"Fn::If": [str(condition), yes, no]} if self.given is not None:
                return stack, yes if self.holds(stack, condition) else no
        return None

    def follow(self, stack: str, node: Any) -> Place:
        """The end of a wire that has one."""
        node = _long(node)
        while (further := self.hop(stack, node)) is not None:
            stack, node = further[0], _long(further[1])
        return stack, node

    def origins(self, stack: str, node: Any) -> frozenset[Origin]:
        """Everything that a value is made of; literals and pseudo parameters included."""
        stack, node = self.follow(stack, node)
        if node == NOTHING:
            return frozenset()
        if isinstance(node, list):
            return self._all(stack, node)
        if not isinstance(node, dict):
            return frozenset({Said(str(node))})
        if len(node) == 1:
            ((function, argument),) = node.items()
            if function in _ORIGINS:
                return _ORIGINS[function](self, stack, argument)
        return self._all(stack, node.values())

    def made(self, stack: str, node: Any) -> list[Resource]:
        """The resources that a value is made of, in the order of their names."""
        found = self.origins(stack, node)
        places = {(it.stack, it.logical_id) for it in found if isinstance(it, Made)}
        return [self.resource(*place) for place in sorted(places)]

    def items(self, stack: str, node: Any) -> list[Place] | None:
        """A list's elements, through the text that it was joined to; None where that is unknown."""
        stack, node = self.follow(stack, node)
        match node:
            case list():
                places = (self.follow(stack, item) for item in node)
                return [place for place in places if place[1] != NOTHING]
            case {"Fn::Split": [_, whole]}:
                return self.items(stack, whole)
            case {"Fn::Join": [_, parts]}:
                return self.items(stack, parts)
        return None

    def _all(self, stack: str, nodes: Iterable[Any]) -> frozenset[Origin]:
        return frozenset().union(*(self.origins(stack, node) for node in nodes))

    def _of_ref(self, stack: str, name: str) -> frozenset[Origin]:
        if name in self.bodies[stack]["Resources"]:
            return frozenset({Made(stack, name)})
        return frozenset({Asked(name) if name in self._parameters(stack) else Said(name)})

    def _of_attribute(self, stack: str, argument: list[str]) -> frozenset[Origin]:
        return frozenset({Made(stack, argument[0], argument[1])})

    def _of_sub(self, stack: str, argument: str | list[Any]) -> frozenset[Origin]:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        names = re.findall(r"\$\{([^!}]+)\}", text)
        parts = [own[name] if name in own else variable(name) for name in names]
        return self._all(stack, parts) if parts else frozenset({Said(text)})

    def _of_branches(self, stack: str, argument: list[Any]) -> frozenset[Origin]:
        return self._all(stack, argument[1:])

    def _of_joined(self, stack: str, argument: list[Any]) -> frozenset[Origin]:
        return self.origins(stack, argument[1])

    def _of_selected(self, stack: str, argument: list[Any]) -> frozenset[Origin]:
        index, whole = argument
        found = self.items(stack, whole)
        return self.origins(*found[int(index)]) if found else self.origins(stack, whole)

    def _of_mapping(self, stack: str, argument: list[Any]) -> frozenset[Origin]:
        mapping = self.bodies[stack]["Mappings"][argument[0]]
        return frozenset(Said(str(row[argument[2]])) for row in mapping.values())

    def _parameters(self, stack: str) -> Body:
        return dict(self.bodies[stack].get("Parameters", {}))

    # --- Conditions, decided ---

    def holds(self, stack: str, condition: Any) -> bool:
        """Whether a condition is true with what the root was given."""
        match condition:
            case str() | {"Condition": str()}:
                name = condition if isinstance(condition, str) else condition["Condition"]
                return self.holds(stack, self.bodies[stack]["Conditions"][name])
            case {"Fn::Equals": [left, right]}:
                return self._plain(stack, left) == self._plain(stack, right)
            case {"Fn::Not": [inner]}:
                return not self.holds(stack, inner)
            case {"Fn::And": parts}:
                return all(self.holds(stack, part) for part in parts)
            case {"Fn::Or": parts}:
                return any(self.holds(stack, part) for part in parts)
        raise AssertionError(condition)

    def _plain(self, stack: str, node: Any) -> str:
        stack, node = self.follow(stack, node)
        match node:
            case {"Ref": str(name)} if stack == self.root and name in self._parameters(stack):
                assert self.given is not None
                return str(self.given[name])
            case dict() | list():
                return f"known only later: {node}"
        return str(node)

    # --- What comes before what ---

    def needs(self, stack: str, logical_id: str) -> set[str]:
        """The neighbours that CloudFormation finishes before it begins with this resource."""
        body = self.bodies[stack]["Resources"][logical_id]
        named = body.get("DependsOn", [])
        found = {named} if isinstance(named, str) else set(named)
        found |= house.names_used(self.decided(stack, body.get("Properties", {})))
        return found.intersection(self.bodies[stack]["Resources"])

    def decided(self, stack: str, node: Any) -> Any:
        """The node without the branches that the given parameters rule out."""
        if isinstance(node, list):
            items = (self.decided(stack, item) for item in node)
            return [item for item in items if item != NOTHING]
        if not isinstance(node, dict):
            return node
        if "Fn::If" in node and self.given is not None:
            condition, yes, no = node["Fn::If"]
            return self.decided(stack, yes if self.holds(stack, condition) else no)
        node = _long(node)
        return {key: self.decided(stack, value) for key, value in node.items()}

    @functools.cache  # noqa: B019 - trees live as long as the tests
    def all_needs(self, stack: str, logical_id: str) -> frozenset[str]:
        found: set[str] = set()
        below = self.needs(stack, logical_id)
        while below:
            found |= below
            below = {it for name in below for it in self.needs(stack, name)} - found
        return frozenset(found)

    def before(self, first: Resource, then: Resource) -> bool:
        """Whether `first` is certain to be finished when CloudFormation begins with `then`."""
        ends = dict(self._chain(then.stack, then.logical_id))
        for stack, logical_id in self._chain(first.stack, first.logical_id):
            if stack in ends:
                return logical_id in self.all_needs(stack, ends[stack])
        return False

    def _chain(self, stack: str, logical_id: str) -> Iterator[tuple[str, str]]:
        """(stack, what stands in it) from the resource up to the root."""
        yield stack, logical_id
        while stack in self.holder:
            stack, logical_id = self.holder[stack], stack
            yield stack, logical_id


def variable(name: str) -> Body:
    """What `${name}` in a `Fn::Sub` stands for."""
    return {"Fn::GetAtt": name.split(".", 1)} if "." in name else {"Ref": name}


def _long(node: Any) -> Any:
    """`Fn::GetAtt` as a list, whichever way it was written."""
    if isinstance(node, dict) and isinstance(node.get("Fn::GetAtt"), str):
        return {"Fn::GetAtt": node["Fn::GetAtt"].split(".", 1)}
    return node


_ORIGINS: dict[str, Callable[[Tree, str, Any], frozenset[Origin]]] = {
    "Ref": Tree._of_ref,
    "Fn::GetAtt": Tree._of_attribute,
    "Fn::Sub": Tree._of_sub,
    "Fn::If": Tree._of_branches,
    "Fn::Join": Tree._of_joined,
    "Fn::Split": Tree._of_joined,
    "Fn::Select": Tree._of_selected,
    "Fn::FindInMap": Tree._of_mapping,
}
