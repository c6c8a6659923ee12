"""Who can reach whom: computed from every security group and its wearers, in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.contract.templates import house
from tests.contract.templates.deployed import text
from tests.contract.templates.wires import Asked, Said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.templates.wires import Body, Resource, Tree

WORN_AS = {"SecurityGroupIds", "SecurityGroups", "VpcSecurityGroupIds"}
GROUP = "AWS::EC2::SecurityGroup"
RULES = {
    "in": ("SecurityGroupIngress", "AWS::EC2::SecurityGroupIngress", "SourceSecurityGroupId"),
    "out": ("SecurityGroupEgress", "AWS::EC2::SecurityGroupEgress", "DestinationSecurityGroupId"),
}
WORLD = {"0.0.0.0/0", "::/0"}
NOBODY = {"127.0.0.1/32"}  # stands for "no egress at all", which the API cannot say
EVERY_PORT = (0, 65535)

Path = tuple[str, int, str]


@dataclass(frozen=True)
class Rule:
    """One rule of a group: towards other groups, the whole VPC, or the world."""

    group: str
    direction: str
    first: int
    last: int
    groups: frozenset[str]
    addresses: frozenset[str]

    def allows(self, port: int, groups: frozenset[str]) -> bool:
        near = bool(self.groups & groups) or bool(self.addresses - NOBODY)
        return near and self.first <= port <= self.last


class Doors:
    """All rules and wearers of a decided tree; things are called `Stack.LogicalId`."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.rules = list(self._rules())
        self.worn = dict(self._worn())

    def _rules(self) -> Iterator[Rule]:
        for direction, (inline, kind, peer) in RULES.items():
            for group in self.tree.resources(GROUP):
                for rule in self.tree.decided(group.stack, group.properties.get(inline, [])):
                    yield self._rule(str(group), direction, group.stack, rule, peer)
            for single in self.tree.resources(kind):
                for group in self.tree.made(single.stack, single.properties["GroupId"]):
                    yield self._rule(str(group), direction, single.stack, single.properties, peer)

    def _rule(self, group: str, direction: str, stack: str, rule: Body, peer: str) -> Rule:
        groups = self.tree.made(stack, rule[peer]) if peer in rule else []
        ranges = [rule[key] for key in ("CidrIp", "CidrIpv6") if key in rule]
        origins = self.tree.origins(stack, ranges)
        texts = {it.text for it in origins if isinstance(it, Said)}
        texts |= {it.parameter for it in origins if isinstance(it, Asked)}
        if rule["IpProtocol"] in ("-1", -1):
            first, last = EVERY_PORT
        else:
            first, last = (int(text(self.tree, stack, rule[it])) for it in ("FromPort", "ToPort"))
        return Rule(group, direction, first, last, frozenset(map(str, groups)), frozenset(texts))

    def _worn(self) -> Iterator[tuple[str, frozenset[str]]]:
        for resource in self.tree.resources():
            groups = {
                str(group)
                for path, value in house.walk(resource.properties)
                if path and path[-1] in WORN_AS
                for group in self.tree.made(resource.stack, value)
                if group.kind == GROUP
            }
            if groups:
                yield str(resource), frozenset(groups)

    def of(self, groups: frozenset[str], direction: str) -> list[Rule]:
        return [it for it in self.rules if it.group in groups and it.direction == direction]

    def reach(self, client: frozenset[str], server: frozenset[str]) -> set[int]:
        """The ports on which who wears the one reaches who wears the other."""
        return {
            rule.first
            for rule in self.of(server, "in")
            if rule.first == rule.last
            and rule.allows(rule.first, client)
            and any(it.allows(rule.first, server) for it in self.of(client, "out"))
        }

    def paths(self, worn: dict[str, frozenset[str]] | None = None) -> set[Path]:
        worn = self.worn if worn is None else worn
        return {
            (client, port, server)
            for client, marks in worn.items()
            for server, guards in worn.items()
            for port in self.reach(marks, guards)
        }

    def outside(self, wearer: str, groups: frozenset[str]) -> set[tuple[str, int]]:
        """The ports of the world that these groups open to who wears them."""
        rules = [it for it in self.of(groups, "out") if it.addresses & WORLD]
        return {(wearer, rule.first) for rule in rules}

    def useless(self) -> list[tuple[str, str]]:
        """(wearer, group) where taking the group off changes nothing."""
        found = []
        for wearer, groups in self.worn.items():
            for group in groups:
                less = {**self.worn, wearer: groups - {group}}
                same_inside = self.paths(less) == self.paths()
                same_outside = self.outside(wearer, groups) == self.outside(wearer, less[wearer])
                if same_inside and same_outside:
                    found.append((wearer, group))
        return found


def stacks(paths: set[Path]) -> set[Path]:
    """The same paths between stacks: a mount target per zone is one door."""
    return {(a.partition(".")[0], port, b.partition(".")[0]) for a, port, b in paths}


def groups(tree: Tree) -> list[Resource]:
    return tree.resources(GROUP)
