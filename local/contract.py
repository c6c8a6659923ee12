"""Tells whether the pinned MiniStack still has what the hooks lean on, and what the templates use.

``python -m local.contract`` prints JSON and exits with 1 when a name or a handler is missing.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parent.parent


def main() -> None:
    os.environ["MINISTACK_REGION"] = "eu-central-1"
    os.environ["LOG_LEVEL"] = "ERROR"
    from local.hooks import HOOKS

    parser = argparse.ArgumentParser(prog="local.contract", description=__doc__)
    parser.add_argument("--type", action="append", default=[], help="look for this type as well")
    parser.add_argument("--patch", action="append", default=[], help="… for this module:name")
    chosen = parser.parse_args()
    hooks = [
        {
            "name": hook.__name__.rpartition(".")[2],
            "gap": (hook.__doc__ or "").partition("\n")[0],
            "patches": hook.PATCHES,
            "types": hook.TYPES,
        }
        for hook in HOOKS
    ]
    leaned_on = {name for hook in HOOKS for name in hook.PATCHES}
    for file in (ROOT / "local").rglob("*.py"):
        leaned_on |= {*touched(ast.parse(file.read_text(encoding="utf-8")))}
    handled = {kind for hook in HOOKS for kind in hook.TYPES}
    missing = sorted(each for each in leaned_on | {*chosen.patch} if not exists(each))
    orphans = sorted(set(unhandled({*used_types(ROOT), *chosen.type}, handled)))
    report = {"missing_patches": missing, "types_without_handler": orphans, "hooks": hooks}
    print(json.dumps(report, indent=2))  # noqa: T201 - the answer
    sys.exit(bool(missing or orphans))


def exists(place: str) -> bool:
    """Whether ``module:name`` can be found; the name may be a module as well."""
    module, _, name = place.partition(":")
    try:
        return hasattr(importlib.import_module(module), name) or _module(f"{module}.{name}")
    except ImportError:
        return False


def touched(module: ast.Module) -> Iterator[str]:
    """Each name in MiniStack that a module's code imports or reaches through an import."""
    imported = {}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack"):
            for name in node.names:
                imported[name.asname or name.name] = f"{node.module}.{name.name}"
                yield f"{node.module}:{name.name}"
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            place = imported.get(node.value.id)
            if place and _module(place):
                yield f"{place}:{node.attr}"


def _module(place: str) -> bool:
    try:
        return importlib.util.find_spec(place) is not None
    except ImportError:
        return False


def unhandled(kinds: Iterable[str], handled: set[str]) -> Iterator[str]:
    from ministack.services.cloudformation import provisioners

    for kind in kinds:
        known = kind in provisioners._RESOURCE_HANDLERS or kind in handled
        if not known and not kind.startswith("Custom::"):
            yield kind


def used_types(root: Path) -> Iterator[str]:
    """The types of all resources in the templates, as the SAM transform leaves them."""
    from ministack.services.cloudformation import engine

    for file in (root / "template.yaml", *sorted((root / "stacks").glob("*.yaml"))):
        template = engine._parse_template(file.read_text(encoding="utf-8"))
        for resource in template["Resources"].values():
            _publish(resource)
        for resource in engine._apply_transforms(template)["Resources"].values():
            yield resource["Type"]


PUBLISHED = {
    "AWS::Serverless::Application": ("Location", "https://s3.amazonaws.com/bucket/key"),
    "AWS::Serverless::Function": ("CodeUri", "s3://bucket/key"),
    "AWS::Serverless::LayerVersion": ("ContentUri", "s3://bucket/key"),
    "AWS::Serverless::StateMachine": ("DefinitionUri", "s3://bucket/key"),
}
"""Where each points after `sam package`; the transform accepts no local paths."""


def _publish(resource: dict[str, Any]) -> None:
    if resource["Type"] in PUBLISHED:
        name, place = PUBLISHED[resource["Type"]]
        resource["Properties"][name] = place


if __name__ == "__main__":
    main()
