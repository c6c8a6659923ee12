"""Waivers: a finding that we do not follow, with the reason beside it.

On a resource, or in the metadata of a template for all of it:

    Metadata:
      cfn-lint: {config: {ignore_checks: [W3045]}, reasons: {W3045: why}}
      checkov: {skip: [{id: CKV_AWS_116, comment: why}]}
      cloudformation-validate: {skip: [{id: W2501, comment: why}]}

The first two are the scanners' own forms, so that everybody's cfn-lint and checkov are silent too;
`reasons` and the third are read here alone. What holds for all templates, and what concerns
parameters, which carry no metadata, stands once in waivers.yaml.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from registers import findings
from registers.tables import table
from tests.contract.templates import house

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registers.findings import Finding

HOUSE = Path(__file__).with_name("waivers.yaml")
SHORTEST_REASON = 4  # words

INTRODUCTION = """\
# Waivers

What three scanners (cfn-lint, checkov, AWS's cloudformation-validate) would change in the templates
as deployed, and why we do not. A waiver stands on the resource that it is about. A finding without
one fails the contract tests (`make scan` shows it); so does a waiver that no finding needs."""
EVERYWHERE = """\
These stand in `registers/waivers.yaml`: a parameter carries no metadata, and what is true of every
template is said once."""


@dataclass(frozen=True, order=True)
class Waiver:
    """One rule that is not followed in one place. An empty name means all of the template."""

    stack: str
    name: str
    tool: str
    rule: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        return (
            (self.tool, self.rule, self.stack) == (finding.tool, finding.rule, finding.stack)
            and self.name in ("", finding.name)
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.stack} {self.name or '(template)'} {self.tool} {self.rule}: {self.reason}"


@dataclass(frozen=True)
class HouseRule:
    """One rule that is not followed anywhere, or not on what has such a name or type."""

    tool: str
    rule: str
    reason: str
    where: str
    name: str = ".*"
    kind: str = ""

    def covers(self, finding: Finding) -> bool:
        return (
            (self.tool, self.rule) == (finding.tool, finding.rule)
            and re.fullmatch(self.name, finding.name) is not None
            and self.kind in ("", finding.kind)
        )


@functools.cache
def house_rules() -> tuple[HouseRule, ...]:
    return tuple(HouseRule(**entry) for entry in yaml.safe_load(HOUSE.read_text()))


@functools.cache
def everything() -> tuple[Waiver, ...]:
    """Every waiver that stands in a template, as it survives SAM."""
    return tuple(
        sorted(
            Waiver(stack.name, name, tool, rule, reason)
            for stack in house.as_deployed().values()
            for name, holder in [("", stack.body), *stack.resources().items()]
            for tool, rule, reason in _in(holder.get("Metadata", {}))
        )
    )


def _in(metadata: house.Body) -> Iterator[tuple[str, str, str]]:
    lint = metadata.get("cfn-lint", {})
    reasons = lint.get("reasons", {})
    ignored = lint.get("config", {}).get("ignore_checks", [])
    for rule in sorted({*ignored, *reasons}):
        yield "cfn-lint", rule, reasons.get(rule, "") if rule in ignored else ""
    for tool in ("checkov", "cloudformation-validate"):
        skipped: list[dict[str, Any]] = metadata.get(tool, {}).get("skip", [])
        for entry in skipped:
            yield tool, str(entry.get("id")), str(entry.get("comment", ""))


def without_reason() -> list[str]:
    """Waivers that do not say why, house rules among them."""
    said = [(str(it), it.reason) for it in everything()]
    said += [(f"{it.tool} {it.rule}", it.reason) for it in house_rules()]
    return [who for who, reason in said if len(reason.split()) < SHORTEST_REASON]


def unwaived(tool: str) -> list[str]:
    """What a scanner finds and nobody gave a reason for."""
    accepted = _of(tool)
    return [
        str(finding)
        for finding in findings.of(tool)
        if not any(waiver.covers(finding) for waiver in accepted)
    ]


def useless(tool: str) -> list[str]:
    """Waivers that no finding needs any more."""
    found = findings.of(tool)
    return [str(it) for it in _of(tool) if not any(it.covers(finding) for finding in found)]


def _of(tool: str) -> list[Waiver | HouseRule]:
    accepted: list[Waiver | HouseRule] = [*everything(), *house_rules()]
    return [it for it in accepted if it.tool == tool]


def document() -> str:
    rows = [
        (f"`{it.stack}`", it.name or "(all)", it.tool, it.rule, it.reason) for it in everything()
    ]
    rules = [(it.tool, it.rule, it.where, it.reason) for it in house_rules()]
    return "\n\n".join(
        [
            INTRODUCTION,
            *("## In one place", table(["stack", "resource", "scanner", "rule", "reason"], rows)),
            *("## Everywhere", EVERYWHERE),
            table(["scanner", "rule", "where", "reason"], rules),
        ]
    )
