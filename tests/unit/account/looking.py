"""Looking at an account that answers as it is told, by one check of the preflight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from account import preflight
from account.plan import Plan
from account.preflight.finding import Check, Finding, Look

if TYPE_CHECKING:
    from tests.unit.account.answers import Answers

TYPES = (
    "AWS::RDS::DBCluster",
    "AWS::ECS::Service",
    "AWS::Backup::BackupPlan",
    "AWS::EFS::FileSystem",
    "AWS::ApiGateway::RestApi",
)


def plan(environment: str = "dev", **parameters: str) -> Plan:
    resources = {f"R{number}": {"Type": kind} for number, kind in enumerate(TYPES)}
    aurora = {"EngineVersion": {"Default": "16.11"}, "MasterUsername": {"Default": "master"}}
    templates = {
        "template": {"Parameters": {}},
        "aurora": {"Parameters": aurora, "Resources": resources},
    }
    return Plan(environment, f"streamflix-{environment}", parameters, templates)


def findings(
    answers: Answers, checks: tuple[Check, ...], name: str, environment: str = "dev", **asked: str
) -> list[Finding]:
    chosen = [check for check in checks if check.name == name]
    assert chosen, f"no check {name!r}"
    look = Look(answers.account(environment), plan(environment, **asked))
    return list(preflight.examine(look, chosen))


def verdicts(found: list[Finding]) -> list[str]:
    for each in found:
        assert each.verdict == "ok" or each.remedy, f"{each.check} fails without a remedy"
    return [each.verdict for each in found]
