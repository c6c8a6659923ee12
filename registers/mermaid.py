"""Flowcharts in Mermaid's language, without its traps: every id is safe, every label quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# What the renderer refuses beyond (its defaults).
MOST_EDGES = 500
MOST_TEXT = 50_000

SHAPES = {"box": ("[", "]"), "store": ("[(", ")]"), "round": ("([", "])"), "queue": ("[[", "]]")}


def safe(name: str) -> str:
    """An id that is no keyword: `end` alone would close a subgraph."""
    return "n_" + re.sub(r"[^A-Za-z0-9]", "_", name)


def quoted(text: str) -> str:
    return '"' + text.replace('"', "#quot;") + '"'


@dataclass
class Flowchart:
    """Nodes in groups, and edges; what is added twice is drawn once."""

    direction: str
    _groups: dict[str, dict[str, str]] = field(default_factory=dict)
    _edges: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)

    def node(self, name: str, label: str, *, group: str = "", shape: str = "box") -> str:
        left, right = SHAPES[shape]
        drawn = f"{safe(name)}{left}{quoted(label)}{right}"
        before = self._groups.setdefault(group, {}).setdefault(safe(name), drawn)
        if before != drawn:
            raise ValueError(f"two nodes are called {safe(name)}: {before} and {drawn}")
        return name

    def edge(self, source: str, target: str, label: str = "", *, dotted: bool = False) -> None:
        """Several labels between the same two share an arrow."""
        arrow = "-.->" if dotted else "-->"
        labels = self._edges.setdefault((safe(source), arrow, safe(target)), set())
        if label:
            labels.add(label)

    def text(self) -> str:
        lines = [f"flowchart {self.direction}"]
        for group, nodes in self._groups.items():
            if group:
                lines.append(f"  subgraph {safe('group ' + group)}[{quoted(group)}]")
                lines += [f"    {node}" for node in nodes.values()]
                lines.append("  end")
            else:
                lines += [f"  {node}" for node in nodes.values()]
        for (source, arrow, target), labels in self._edges.items():
            said = f"|{quoted(', '.join(sorted(labels)))}|" if labels else ""
            lines.append(f"  {source} {arrow}{said} {target}")
        return "\n".join(["```mermaid", *lines, "```"])
