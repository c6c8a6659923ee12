"""Three scanners over the templates as deployed; `make scan` shows the same."""

from __future__ import annotations

import pytest

from registers import findings, waivers
from registers.findings import Finding
from registers.waivers import HouseRule, Waiver

FUNCTION = Finding(
    *("checkov", "schema", "CKV_AWS_116", "no dead letters"),
    *("SchemaFunction", "AWS::Lambda::Function"),
)


every_scanner = pytest.mark.parametrize("tool", findings.TOOLS)


@every_scanner
def test_a_scanner_finds_nothing_that_nobody_gave_a_reason_for(tool: str) -> None:
    assert waivers.unwaived(tool) == []


@every_scanner
def test_no_waiver_outlives_its_finding(tool: str) -> None:
    assert waivers.useless(tool) == []


def test_a_waiver_is_for_a_scanner_that_runs() -> None:
    waived = {it.tool for it in (*waivers.everything(), *waivers.house_rules())}

    assert waived <= set(findings.TOOLS)


def test_every_waiver_says_why() -> None:
    assert waivers.without_reason() == []


@pytest.mark.parametrize(
    ("waiver", "covers"),
    [
        (Waiver("schema", "SchemaFunction", "checkov", "CKV_AWS_116", ""), True),
        (Waiver("schema", "", "checkov", "CKV_AWS_116", ""), True),
        (Waiver("schema", "SchemaFunction", "checkov", "CKV_AWS_115", ""), False),
        (Waiver("schema", "SchemaRole", "checkov", "CKV_AWS_116", ""), False),
        (Waiver("analytics", "SchemaFunction", "checkov", "CKV_AWS_116", ""), False),
        (Waiver("schema", "SchemaFunction", "cfn-lint", "CKV_AWS_116", ""), False),
        (HouseRule("checkov", "CKV_AWS_116", "", "", name=".*Function"), True),
        (HouseRule("checkov", "CKV_AWS_116", "", "", name="Function"), False),
        (HouseRule("checkov", "CKV_AWS_116", "", "", kind="AWS::Lambda::Function"), True),
        (HouseRule("checkov", "CKV_AWS_116", "", "", kind="AWS::SNS::Topic"), False),
    ],
)
def test_a_waiver_covers_its_rule_in_its_place_and_nothing_else(
    waiver: Waiver | HouseRule, covers: bool
) -> None:
    assert waiver.covers(FUNCTION) is covers


def test_scanners_are_shown_the_templates_without_their_waivers() -> None:
    skip = {"skip": [{"id": "CKV_AWS_26", "comment": "public on purpose"}]}
    topic = {"Type": "AWS::SNS::Topic", "Metadata": {"checkov": skip, "why": "kept"}}

    stripped = findings.bare({"Metadata": {"cfn-lint": {}}, "Resources": {"Topic": topic}})

    assert stripped["Metadata"] == {}
    assert stripped["Resources"]["Topic"]["Metadata"] == {"why": "kept"}
    assert topic["Metadata"]["checkov"] is skip
