"""Diagram: the stacks, chapter by chapter, and how many resources each holds."""

from __future__ import annotations

from registers import origins
from registers.mermaid import Flowchart


def diagram() -> str:
    chart = Flowchart("LR")
    chart.node(origins.ROOT, f"template.yaml<br/>{_summary(origins.ROOT)}", shape="round")
    for stack in origins.children(origins.ROOT):
        _draw(chart, origins.ROOT, stack)
    return chart.text()


def _draw(chart: Flowchart, holder: str, stack: str) -> None:
    below = origins.children(stack)
    file = origins.stacks()[stack].path.name
    shape = "round" if below else "box"
    chart.node(stack, f"{stack}<br/>{file}<br/>{_summary(stack)}", shape=shape)
    chart.edge(holder, stack)
    for child in below:
        _draw(chart, stack, child)


def _summary(stack: str) -> str:
    below = origins.children(stack)
    own = len(origins.stacks()[stack].resources()) - len(below)
    said = [f"{len(below)} stacks"] * bool(below) + [f"{own} resources"] * bool(own)
    return ", ".join(said)
