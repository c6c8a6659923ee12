"""Register: how much each stack holds, against what CloudFormation allows, and who reads whom."""

from __future__ import annotations

import json
from collections import Counter, defaultdict

from registers import origins
from registers.tables import table
from tests.contract.templates import house

LIMITS = {"resources": 500, "parameters": 200, "outputs": 200, "bytes": 1_000_000}

LOOKED_THROUGH = (
    "Chapters looked through: the stack that a value comes from, then the parameters it arrives in."
)


def size(stack: str) -> int:
    """Bytes of the template as deployed."""
    return len(json.dumps(origins.stacks()[stack].body).encode())


def counts(stack: str) -> dict[str, int]:
    """What CloudFormation limits."""
    template = origins.stacks()[stack]
    return {
        "resources": len(template.resources()),
        "parameters": len(template.parameters),
        "outputs": len(template.outputs),
        "bytes": size(stack),
    }


def _per_stack() -> str:
    rows: list[tuple[object, ...]] = []
    for stack, template in origins.stacks().items():
        below = origins.children(stack)
        held = counts(stack)
        holder = "" if stack == origins.ROOT else origins.holder(stack)
        share = f"{-(-100 * held['bytes'] // LIMITS['bytes'])} %"
        own = held["resources"] - len(below)
        rows.append(
            (
                holder,
                stack,
                f"`{template.path.relative_to(house.ROOT)}`",
                own,
                len(below),
                held["parameters"],
                held["outputs"],
                share,
            )
        )
    head = ["in", "stack", "file", "resources", "stacks", "parameters", "outputs", "of 1 MB"]
    return table(head, rows)


def _per_type() -> str:
    kinds: Counter[str] = Counter()
    where: dict[str, set[str]] = defaultdict(set)
    for resource in origins.everything():
        kinds[resource.kind] += 1
        where[resource.kind].add(resource.stack)
    rows = [(kind, kinds[kind], ", ".join(sorted(where[kind]))) for kind in sorted(kinds)]
    return table(["type", "count", "stacks"], rows)


def _wiring() -> str:
    """Who is given what by whom, chapters looked through."""
    rows = []
    for stack in origins.stacks():
        if stack == origins.ROOT or origins.children(stack):
            continue
        givers: dict[str, set[str]] = defaultdict(set)
        for name, value in house.given(stack).items():
            for origin in origins.source(origins.holder(stack), value):
                if origin.stack != origins.ROOT:
                    givers[origin.stack].add(name)
        if givers:
            said = [f"{it}: {', '.join(sorted(givers[it]))}" for it in sorted(givers)]
            rows.append((stack, "; ".join(said)))
    return table(["stack", "is given"], rows)


def document() -> str:
    everything = list(origins.everything())
    conditional = sum("Condition" in it.resource for it in everything)
    total = (
        f"{len(origins.stacks())} stacks with {len(everything)} resources, {conditional} of them"
        f" on a condition. CloudFormation allows a stack\n{LIMITS['resources']} resources,"
        f" {LIMITS['parameters']} parameters, {LIMITS['outputs']} outputs and a template of 1 MB."
        " Counted after SAM, as deployed."
    )
    return "\n\n".join(
        [
            *("# What is deployed", total),
            *("## By stack", _per_stack()),
            *("## By type", _per_type()),
            *("## Who is given what by whom", LOOKED_THROUGH, _wiring()),
        ]
    )
