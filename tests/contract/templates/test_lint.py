from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.templates import house

LINES = {"template": 250}
# What stays when its stack is deleted, and why nothing else would do.
OUTLIVES = {
    "api": {"AccountLoggingRole": "the account's setting stays, and would name a dead role"}
}
SECTIONS = [
    "AWSTemplateFormatVersion",
    "Transform",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Rules",
    "Conditions",
    "Resources",
    "Outputs",
]

every_stack = pytest.mark.parametrize("stack", house.everything(), ids=lambda stack: stack.name)


def test_cfn_lint_finds_nothing_in_the_sources() -> None:
    assert cfn_lint(*(stack.path for stack in house.everything())) == ""


def test_cfn_lint_finds_nothing_in_what_sam_makes_of_them(tmp_path: Path) -> None:
    files = []
    for stack in house.everything():
        if "Transform" in stack.body:
            made = tmp_path / f"{stack.name}.json"
            made.write_text(json.dumps(house.as_deployed()[stack.name].body))
            files.append(made)

    assert files
    assert cfn_lint(*files) == ""


def cfn_lint(*files: Path) -> str:
    """What it says; nothing when all is well."""
    run = subprocess.run(
        [
            Path(sys.executable).with_name("cfn-lint"),
            *("--regions", house.REGION, "--include-checks", "I", "--format", "parseable", "--"),
            *files,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=house.ROOT,
    )
    assert (run.returncode == 0) == (run.stdout + run.stderr == "")
    return run.stdout + run.stderr


def test_every_file_in_stacks_belongs_to_the_root() -> None:
    assert {stack.path for stack in house.children().values()} == set(
        (house.ROOT / "stacks").iterdir()
    )


@every_stack
def test_a_template_is_short_enough_to_be_read(stack: house.Stack) -> None:
    assert len(stack.path.read_text().splitlines()) <= LINES.get(stack.name, 400)


@every_stack
def test_sections_stand_in_the_order_of_the_poem(stack: house.Stack) -> None:
    found = list(stack.body)

    assert found == [section for section in SECTIONS if section in found]


@every_stack
def test_every_parameter_says_what_it_is_and_stands_in_one_group(stack: house.Stack) -> None:
    groups = stack.body["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]

    assert sorted(grouped) == sorted(stack.parameters)
    assert [name for name, it in stack.parameters.items() if not it.get("Description")] == []


@every_stack
def test_conditions_are_named_as_facts(stack: house.Stack) -> None:
    names = list(stack.body.get("Conditions", {}))

    assert [name for name in names if not name.startswith("Has")] == []


@every_stack
def test_what_is_compared_is_text_because_parameters_are(stack: house.Stack) -> None:
    compared = [
        side
        for path, value in house.walk([stack.body.get("Conditions"), stack.body.get("Rules")])
        if path[-1:] == ("Fn::Equals",)
        for side in value
    ]

    assert [side for side in compared if not isinstance(side, str | dict)] == []


@every_stack
def test_nothing_outlives_the_stack(stack: house.Stack) -> None:
    kept = [
        logical_id
        for logical_id, resource in house.as_deployed()[stack.name].resources().items()
        if "Retain" in (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        or str(resource.get("DeletionPolicy")).startswith("RetainExcept")
        or resource.get("DeletionPolicy") == "Snapshot"
    ]

    assert set(kept) == OUTLIVES.get(stack.name, {}).keys()


@every_stack
def test_no_condition_and_no_mapping_is_left_unused(stack: house.Stack) -> None:
    body = {section: it for section, it in stack.body.items() if section != "Parameters"}
    used = {
        name
        for path, value in house.walk(body)
        for name in (
            [value]
            if path[-1:] == ("Condition",)
            else value[:1]
            if path[-1:] == ("Fn::If",)
            else []
        )
        if isinstance(name, str)
    }
    mapped = {value[0] for path, value in house.walk(body) if path[-1:] == ("Fn::FindInMap",)}

    assert set(stack.body.get("Conditions", {})) - used == set()
    assert set(stack.body.get("Mappings", {})) - mapped == set()


@every_stack
def test_a_default_is_one_that_the_parameter_itself_accepts(stack: house.Stack) -> None:
    for name, it in stack.parameters.items():
        if "Default" in it:
            default = str(it["Default"])
            allowed = [str(value) for value in it.get("AllowedValues", [default])]
            assert default in allowed, name
            assert re.fullmatch(str(it.get("AllowedPattern", ".*")), default), name
        if it["Type"] == "Number" and "Default" in it:
            least, most = it.get("MinValue", 0), it.get("MaxValue", float("inf"))
            assert float(least) <= float(it["Default"]) <= float(most), name


@pytest.mark.parametrize("child", house.children())
def test_a_child_has_no_default_for_what_it_is_given(child: str) -> None:
    """It would hide that the parent forgot to give it."""
    declared = house.children()[child].parameters

    assert [name for name in house.given(child) if "Default" in declared[name]] == []
