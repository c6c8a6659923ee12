"""Diagram: which key encrypts what."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from registers import origins
from registers.mermaid import Flowchart
from tests.contract.templates import house

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registers.origins import Origin

KEY = "AWS::KMS::Key"
NAMES_A_KEY = re.compile(r"(?i)kms|encryption.*key|^keyid$|^keyarn$")
# They speak about a key; it encrypts nothing of theirs.
OTHERS = ("AWS::Events::Rule", "AWS::IAM::", "AWS::KMS::", "AWS::Lambda::")


def encrypted() -> dict[Origin, dict[str, set[str]]]:
    """By key, by stack: the names of what it encrypts."""
    found: dict[Origin, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for resource in origins.everything():
        if not resource.kind.startswith(OTHERS):
            for key in _keys(resource):
                found[key][resource.stack].add(resource.name)
    return found


def _keys(resource: Origin) -> Iterator[Origin]:
    for path, value in house.walk(resource.properties):
        if path and NAMES_A_KEY.search(path[-1]):
            yield from (it for it in origins.source(resource.stack, value) if it.kind == KEY)


def diagram() -> str:
    chart = Flowchart("LR")
    for key, stacks in sorted(encrypted().items()):
        chart.node(f"key {key.name}", origins.words(key.name), shape="round")
        for stack, names in sorted(stacks.items()):
            label = "<br/>".join(origins.words(name) for name in sorted(names))
            chart.node(f"{stack} {key.name}", label, group=stack, shape="store")
            chart.edge(f"key {key.name}", f"{stack} {key.name}")
    return chart.text()
