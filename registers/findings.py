"""What three scanners say about the translated templates once every waiver is taken out of them."""

from __future__ import annotations

import copy
import functools
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.contract.templates import house

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS = ("cfn-lint", "checkov", "cloudformation-validate")
SCAN_PYTHON = house.ROOT / ".local/venvs/scan/bin/python"
SCAN = Path(__file__).with_name("scan.py")
# Ours, not the scanners': `make` keeps the sources clean with the first, and checkov would be
# compiled anew for every run; with the second they would take a room of ours for a library.
OURS = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}

# Not findings: facts about a property, which docs/replacement-risk.md is checked against.
REPLACES = "I9001"


# Both scanners must complain about this one: a scanner that went silent would look like success.
CANARY = "canary"
FAULTY = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"Unknown": "property"}}},
}
SUNG = {"checkov": "CKV_AWS_26", "cloudformation-validate": "F3002"}


@dataclass(frozen=True, order=True)
class Finding:
    """One rule that one part of one stack breaks. An empty name means the template as a whole.

    `kind` is the type of a resource, or `Parameter`, `Output`, `Condition`.
    """

    tool: str
    stack: str
    rule: str
    text: str
    name: str = ""
    kind: str = ""
    path: str = ""

    def __str__(self) -> str:
        where = house.as_deployed()[self.stack].path.relative_to(house.ROOT)
        return f"{where} {self.name or '(template)'} {self.tool} {self.rule}: {self.text}"


class ScannersMissing(Exception):
    """The scanners' environment is not there. Run `make scan-env`."""


def bare(template: house.Body) -> house.Body:
    """The template without waivers: what the scanners never see, nobody misses."""
    stripped = copy.deepcopy(template)
    for holder in [stripped, *stripped["Resources"].values()]:
        metadata = holder.get("Metadata", {})
        for tool in TOOLS:
            metadata.pop(tool, None)
    return stripped


@functools.cache
def of(tool: str) -> tuple[Finding, ...]:
    """What one scanner finds, but not `REPLACES`; each runs once in a process."""
    found = _linted() if tool == "cfn-lint" else _scanned(tool)
    return tuple(sorted(it for it in found if it.rule != REPLACES))


def replacing() -> set[tuple[str, str, str]]:
    """Stack, resource and property of all that AWS's validator calls create-only."""
    return {
        (it.stack, it.name, it.path.removeprefix("Properties.").partition(".")[0])
        for it in _scanned("cloudformation-validate")
        if it.rule == REPLACES
    }


@functools.cache
def _scanned(tool: str) -> frozenset[Finding]:
    """A scanner of the `scan` environment."""
    if not SCAN_PYTHON.exists():
        raise ScannersMissing(ScannersMissing.__doc__)
    templates = {name: bare(stack.body) for name, stack in house.as_deployed().items()}
    templates[CANARY] = FAULTY
    run = subprocess.run(
        [SCAN_PYTHON, SCAN, tool],
        input=json.dumps({"region": house.REGION, "templates": templates}),
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name not in OURS},
    )
    if run.returncode:
        raise RuntimeError(f"{tool} died:\n{run.stderr[-2000:]}")
    found = frozenset(Finding(**it) for it in json.loads(run.stdout))
    if SUNG[tool] not in {it.rule for it in found if it.stack == CANARY}:
        raise RuntimeError(f"{tool} does not see what is plainly wrong")
    return frozenset(it for it in found if it.stack != CANARY)


def _linted() -> set[Finding]:
    """cfn-lint where something is waived; that the rest is silent is test_lint.py's business.

    What needs no waiver in what SAM makes of a source may need it in the source.
    """
    deployed = {name: stack.body for name, stack in house.as_deployed().items()}
    waived = {name: set(_ignored(body)) for name, body in deployed.items()}
    found = _cfn_lint({name: deployed[name] for name, rules in waived.items() if rules})
    met = {(it.stack, it.rule) for it in found}
    sources = {stack.name: stack.body for stack in house.everything()}
    left = {name for name, rules in waived.items() for rule in rules if (name, rule) not in met}
    return found | _cfn_lint({name: sources[name] for name in left})


def _ignored(body: house.Body) -> Iterator[str]:
    for path, value in house.walk(body):
        if path[-2:] == ("config", "ignore_checks"):
            yield from value


def _cfn_lint(templates: dict[str, house.Body]) -> set[Finding]:
    if not templates:
        return set()
    with tempfile.TemporaryDirectory() as folder:
        for name, template in templates.items():
            Path(folder, f"{name}.json").write_text(json.dumps(bare(template)))
        run = subprocess.run(
            [
                Path(sys.executable).with_name("cfn-lint"),
                *("--regions", house.REGION, "--include-checks", "I", "--format", "json", "--"),
                *Path(folder).iterdir(),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    return {_matched(match) for match in json.loads(run.stdout)}


def _matched(match: dict[str, Any]) -> Finding:
    path: list[Any] = match["Location"]["Path"] or []
    name = str(path[1]) if path[:1] == ["Resources"] and len(path) > 1 else ""
    stack = Path(match["Filename"]).stem
    return Finding("cfn-lint", stack, match["Rule"]["Id"], match["Message"], name)
