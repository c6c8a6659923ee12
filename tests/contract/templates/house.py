"""The templates as data: what stands in the files, and what SAM makes of it."""

from __future__ import annotations

import functools
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
SAM_PYTHON = ROOT / ".local/venvs/sam/bin/python"
REGION = "eu-central-1"
LONGEST_SUFFIX = "a" * 12

Body = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions as the long ones."""


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Body:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = str(loader.construct_scalar(node))
        return {name: text.split(".", 1) if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _function)


@dataclass(frozen=True)
class Stack:
    """One template: the root is named `template`, a child as its file."""

    path: Path
    body: Body

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def parameters(self) -> dict[str, Body]:
        return dict(self.body.get("Parameters", {}))

    @property
    def outputs(self) -> dict[str, Body]:
        return dict(self.body.get("Outputs", {}))

    def resources(self, *kinds: str) -> dict[str, Body]:
        """The resources of these types, or all of them, by logical id."""
        return {
            logical_id: resource
            for logical_id, resource in self.body["Resources"].items()
            if not kinds or resource["Type"] in kinds
        }


@functools.cache
def read(path: Path) -> Stack:
    return Stack(path, yaml.load(path.read_text(), _Loader))


def root() -> Stack:
    return read(ROOT / "template.yaml")


def nested(stack: Stack) -> dict[str, Stack]:
    """The stacks directly below this one, in its order."""
    return {
        logical_id: read((stack.path.parent / resource["Properties"]["Location"]).resolve())
        for logical_id, resource in stack.resources("AWS::Serverless::Application").items()
    }


@functools.cache
def parents() -> dict[str, Stack]:
    """The stack that holds each nested stack, by logical id; no id stands twice in the tree."""
    found: dict[str, Stack] = {}
    below = [root()]
    for stack in below:
        for logical_id, child in nested(stack).items():
            assert logical_id not in found, f"{logical_id} stands twice"
            found[logical_id] = stack
            below.append(child)
    return found


def parent(logical_id: str) -> Stack:
    return parents()[logical_id]


def children() -> dict[str, Stack]:
    """Every nested stack of the tree by its logical id, each chapter before what it holds."""
    return {logical_id: nested(holder)[logical_id] for logical_id, holder in parents().items()}


def chapters() -> dict[str, Stack]:
    """The nested stacks that hold nested stacks themselves."""
    return {logical_id: stack for logical_id, stack in children().items() if nested(stack)}


def given(logical_id: str) -> Body:
    """The parameters that a nested stack is given."""
    properties = parent(logical_id).resources()[logical_id]["Properties"]
    return dict(properties["Parameters"])


def everything() -> list[Stack]:
    return [root(), *children().values()]


@functools.cache
def as_deployed() -> dict[str, Stack]:
    """All templates after the SAM transform, as CloudFormation sees them, by name."""
    stacks = {stack.name: stack for stack in everything()}
    written = {
        name: stack.body
        for name, stack in stacks.items()
        if stack.body.get("Transform") == "AWS::Serverless-2016-10-31"
    }
    made = subprocess.run(
        [SAM_PYTHON, Path(__file__).with_name("translate.py")],
        input=json.dumps(written),
        capture_output=True,
        text=True,
        check=True,
    )
    return stacks | {
        name: Stack(stacks[name].path, body) for name, body in json.loads(made.stdout).items()
    }


def walk(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every node below this one, with the keys that lead to it."""
    yield path, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from walk(value, (*path, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, (*path, str(index)))


def names_used(node: Any) -> set[str]:
    """What `Ref`, `Fn::Sub` and `Fn::GetAtt` below this node name, without attributes."""
    used: set[str] = set()
    for path, value in walk(node):
        match path[-1] if path else "", value:
            case "Ref", str():
                used.add(value)
            case "Fn::GetAtt", [str() as resource, *_]:
                used.add(resource)
            case "Fn::Sub", str() | [str(), *_]:
                text = value if isinstance(value, str) else value[0]
                used |= {name.partition(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text)}
    return used


def text(value: Any, suffix: str = LONGEST_SUFFIX) -> str:
    """A name as it will read, with the longest suffix there may be."""
    if isinstance(value, dict):
        (value,) = value.values()
    return str(value).replace("${EnvironmentSuffix}", suffix)


@functools.cache
def schema(kind: str) -> Body:
    """CloudFormation's own schema of a resource type."""
    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema)


def at(properties: Body, path: str) -> Any:
    """The value at a dotted path, None when there is none."""
    value: Any = properties
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def kebab(logical_id: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", logical_id.removesuffix("Alarm")).lower()


def functions() -> list[tuple[Stack, str, Body]]:
    """Every function as written: its stack, its logical id, its properties."""
    return [
        (stack, logical_id, resource["Properties"])
        for stack in everything()
        for logical_id, resource in stack.resources("AWS::Serverless::Function").items()
    ]
