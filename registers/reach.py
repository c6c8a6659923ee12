"""Diagram: who may open a connection to whom, on which port, as the security groups decide."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from registers import origins
from registers.mermaid import Flowchart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registers.origins import Origin

GROUP = "AWS::EC2::SecurityGroup"
RULES = {"ingress": f"{GROUP}Ingress", "egress": f"{GROUP}Egress"}
PEER = {"ingress": "SourceSecurityGroupId", "egress": "DestinationSecurityGroupId"}
LOOPBACK = "127.0.0.1/32"  # stands for "none", which the API cannot say
WORLD = "0.0.0.0/0"
ANY_PORT = "any"
MOST_NAMES = 2


@dataclass(frozen=True)
class Rule:
    """One permission of one group: these ports, with these groups or this range."""

    group: Origin
    ports: str
    peers: frozenset[Origin]
    addresses: str


@functools.cache
def rules(direction: str) -> tuple[Rule, ...]:
    """All that every group admits (`ingress`) or may call (`egress`), wherever it is written."""
    inline = [
        _rule(group, written, group.stack, direction)
        for group in origins.everything(GROUP)
        for written in origins.options(group.properties.get(f"SecurityGroup{direction.title()}"))
    ]
    alone = [
        _rule(group, rule.properties, rule.stack, direction)
        for rule in origins.everything(RULES[direction])
        for group in origins.source(rule.stack, rule.properties.get("GroupId"))
    ]
    return tuple(rule for rule in inline + alone if rule.addresses != LOOPBACK)


def _rule(group: Origin, written: dict[str, Any], stack: str, direction: str) -> Rule:
    """`stack` is where the rule is written, which need not be where the group is."""
    first, last = _port(written.get("FromPort")), _port(written.get("ToPort"))
    ports = first if first == last else f"{first}-{last}"
    peers = origins.source(stack, written.get(PEER[direction]))
    return Rule(group, ports, peers, _addresses(stack, written))


def _port(value: Any) -> str:
    """Both, where a condition chooses."""
    return " or ".join(str(port) for port in origins.options(value)) or ANY_PORT


def _addresses(stack: str, written: dict[str, Any]) -> str:
    """A range as written, or the name of the root's parameter or of the list that gives it."""
    value = written.get("CidrIp", written.get("CidrIpv6", written.get("DestinationPrefixListId")))
    if isinstance(value, dict):
        return " ".join(sorted(it.name for it in origins.source(stack, value)))
    return str(value or "")


@functools.cache
def wearers() -> dict[Origin, list[tuple[str, str]]]:
    """Who wears each group: stack and name of what is drawn as one."""
    together: dict[tuple[str, frozenset[Origin]], list[Origin]] = defaultdict(list)
    for resource in origins.everything():
        groups = frozenset(_worn(resource))
        if groups:
            together[resource.stack, groups].append(resource)
    worn: dict[Origin, list[tuple[str, str]]] = defaultdict(list)
    for (stack, groups), resources in together.items():
        for group in sorted(groups):
            worn[group].append((stack, _name(resources)))
    return worn


def _worn(resource: Origin) -> Iterator[Origin]:
    if resource.kind.startswith(GROUP):
        return
    for path, value in _walk(resource.properties):
        if re.fullmatch(r"(Vpc)?SecurityGroup(Id)?s?", path):
            yield from (it for it in origins.source(resource.stack, value) if it.kind == GROUP)


def _walk(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield key, value
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def _name(resources: list[Origin]) -> str:
    if len(resources) <= MOST_NAMES:
        return ", ".join(origins.words(it.name) for it in resources)
    kinds = sorted({it.kind.rpartition("::")[2] + "s" for it in resources})
    return f"{len(resources)} {', '.join(origins.words(kind) for kind in kinds)}"


def paths() -> set[tuple[tuple[str, str], tuple[str, str], str]]:
    """From, to, port: what one side may call and the other admits."""
    found = set()
    for rule in rules("ingress"):
        for peer in rule.peers:
            if _may_call(peer, rule):
                found |= {
                    (source, target, rule.ports)
                    for source in wearers().get(peer, [])
                    for target in wearers().get(rule.group, [])
                }
        if rule.addresses:
            source = ("", _range(rule.addresses))
            found |= {(source, target, rule.ports) for target in wearers().get(rule.group, [])}
    for rule in rules("egress"):
        if rule.addresses == WORLD:
            target = ("", _range(rule.addresses))
            found |= {(source, target, rule.ports) for source in wearers().get(rule.group, [])}
    return found


def _may_call(peer: Origin, admitted: Rule) -> bool:
    """An address range is taken to hold the other side: no group of ours names a smaller one."""
    return any(
        rule.ports in (admitted.ports, ANY_PORT)
        and (bool(rule.addresses) or admitted.group in rule.peers)
        for rule in rules("egress")
        if rule.group == peer
    )


def _range(addresses: str) -> str:
    return {WORLD: "any address (AWS's APIs)", "VpcCidr": "anything in the VPC"}.get(
        addresses, addresses
    )


def diagram() -> str:
    chart = Flowchart("LR")
    for source, target, port in sorted(paths()):
        for stack, name in (source, target):
            chart.node(f"{stack} {name}", name, group=stack, shape="box" if stack else "round")
        chart.edge(" ".join(source), " ".join(target), port)
    return chart.text()
