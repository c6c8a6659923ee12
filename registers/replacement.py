"""Register: which change of a property would replace, and so empty, what keeps data."""

from __future__ import annotations

import functools
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from registers import origins
from registers.tables import table
from tests.contract.templates import house

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registers.origins import Origin

DATA = Path(__file__).with_name("replacement.yaml")
ALWAYS, SOMETIMES = "createOnlyProperties", "conditionalCreateOnlyProperties"
THEN = {
    "Delete": "then this one is deleted",
    "Snapshot": "then this one is deleted after a last snapshot",
    "Retain": "and this one is left behind",
}
INTRODUCTION = """\
# What a change would replace

CloudFormation replaces a resource when a create-only property changes: it makes a new, empty one,
then deletes the old. Most names here are fixed, so such a change fails instead (“cannot update a
stack when a custom-named resource requires replacing”) and nothing is lost. Only properties in use
are listed; the source is CloudFormation's own schema of each type."""


@dataclass(frozen=True)
class Type:
    """A type that keeps something. Without `name` nothing of it is fixed by us."""

    keeps: str
    way_round: str
    name: str = ""


@functools.cache
def types() -> dict[str, Type]:
    entries = yaml.safe_load(DATA.read_text())["stateful"]
    return {kind: Type(**entry) for kind, entry in entries.items()}


@functools.cache
def left_out() -> dict[str, str]:
    return dict(yaml.safe_load(DATA.read_text())["left_out"])


def unknown() -> set[str]:
    """Types that the templates treat as stateful and this register does not know."""
    policed = {it.kind for it in origins.everything() if "DeletionPolicy" in it.resource}
    return policed - set(types()) - set(left_out())


def used(resource: Origin, when: str) -> list[str]:
    """The properties of this resource that replace it when they change, in the schema's order."""
    pointers = house.schema(resource.kind).get(when, [])
    paths = (pointer.removeprefix("/properties/").split("/") for pointer in pointers)
    return [".".join(path) for path in paths if _given(resource.properties, path)]


def _given(node: Any, path: list[str]) -> bool:
    if not path:
        return True
    match node:
        case list():
            rest = path[1:] if path[0] == "*" else path
            return any(_given(item, rest) for item in node)
        case {"Fn::If": [_, yes, no]}:
            return _given(yes, path) or _given(no, path)
        case dict():
            return path[0] in node and _given(node[path[0]], path[1:])
    return False


def _what_happens(resource: Origin, paths: list[str]) -> Iterator[tuple[str, str]]:
    """Groups of properties, and what a change of one of them does."""
    kind = types()[resource.kind]
    named = kind.name in resource.properties
    names = [path for path in paths if path == kind.name or not named]
    policy = resource.resource.get("UpdateReplacePolicy", "Delete")
    if names:
        yield _code(names), f"replaces: a new, empty one is made, {THEN[str(policy)]}"
    if others := [path for path in paths if path not in names]:
        yield _code(others), "fails: the name is taken, so CloudFormation refuses"


def _code(paths: list[str]) -> str:
    return ", ".join(f"`{path}`" for path in paths)


def _rows(kind: str) -> list[tuple[str, str, str]]:
    """Resources that the same changes do the same to share a row."""
    together: dict[tuple[str, str], list[str]] = defaultdict(list)
    for resource in origins.everything(kind):
        always = _what_happens(resource, used(resource, ALWAYS))
        sometimes = _what_happens(resource, used(resource, SOMETIMES))
        rows = [*always, *((f"{what} (not always)", does) for what, does in sometimes)]
        for row in rows or [("any property", "changes in place")]:
            together[row].append(f"{resource.stack} {resource.name}")
    return [(", ".join(names), what, does) for (what, does), names in together.items()]


def document() -> str:
    parts = [INTRODUCTION]
    for kind, about in types().items():
        if rows := _rows(kind):
            parts += [
                f"## {kind.removeprefix('AWS::')}",
                f"**Keeps** {about.keeps}.",
                f"**The way round** {about.way_round}",
                table(["resource", "a change of", "does"], rows),
            ]
    return "\n\n".join(parts)
