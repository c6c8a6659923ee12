"""The preflight's runner: what is shown, what is refused, and what nobody could ask."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from account import preflight
from account.preflight import prerequisites, quiet, quotas
from account.preflight.finding import Finding, Look
from account.refusal import Refusal
from tests.unit.account.answers import Answers, Paper, Refused
from tests.unit.account.looking import findings, plan, verdicts


def test_what_may_not_be_read_is_a_failure_that_names_the_right_it_needs(answers: Answers) -> None:
    answers["backup.describe_region_settings"] = Refused("AccessDeniedException")

    (found,) = findings(answers, prerequisites.CHECKS, "AWS Backup opt-in")

    assert found.verdict == "FAIL"
    assert "Allow DescribeRegionSettings" in found.remedy


def test_any_other_refusal_is_a_failure_in_aws_own_words(answers: Answers) -> None:
    answers["backup.describe_region_settings"] = Refused("ServiceUnavailable", "come back")

    (found,) = findings(answers, prerequisites.CHECKS, "AWS Backup opt-in")

    assert (found.verdict, found.found) == ("FAIL", "ServiceUnavailable: come back")


def test_the_laptop_says_what_it_was_not_asked(answers: Answers) -> None:
    look = Look(answers.account("local"), plan("local"))
    found = list(preflight.examine(look, quotas.CHECKS))
    paper = Paper()

    preflight.show(found, paper)

    assert {each.verdict for each in found} == {"not asked"}
    assert "Not asked, because the laptop's cloud has no quotas: elastic addresses" in paper.text
    preflight.refuse(found)


def test_one_failure_refuses_the_deploy() -> None:
    found = [Finding("a", "fine"), Finding("b", "bad", "FAIL", "mend it")]

    with pytest.raises(Refusal, match="1 check failed"):
        preflight.refuse(found)
    preflight.refuse(found[:1])


def test_a_note_stops_nothing() -> None:
    preflight.refuse([Finding("a", "hm", "note", "think of it")])


def test_every_check_has_a_name_of_its_own() -> None:
    names = [check.name for check in preflight.CHECKS]

    assert len(names) == len(set(names))


def stack(status: str) -> dict[str, Any]:
    one = {
        "StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/streamflix-dev/1",
        "StackName": "streamflix-dev",
        "CreationTime": datetime.now(UTC),
        "StackStatus": status,
    }
    return {"Stacks": [one]}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("CREATE_COMPLETE", "ok"),
        ("UPDATE_COMPLETE", "ok"),
        ("UPDATE_ROLLBACK_COMPLETE", "ok"),
        ("CREATE_FAILED", "ok"),  # a protected first deploy goes on
        ("UPDATE_IN_PROGRESS", "FAIL"),
        ("DELETE_IN_PROGRESS", "FAIL"),
        ("ROLLBACK_COMPLETE", "FAIL"),
        ("UPDATE_ROLLBACK_FAILED", "FAIL"),
        ("DELETE_FAILED", "FAIL"),
    ],
)
def test_a_stack_that_takes_no_update_fails(answers: Answers, status: str, verdict: str) -> None:
    answers["cloudformation.describe_stacks"] = stack(status)

    assert verdicts(findings(answers, quiet.CHECKS, "stack")) == [verdict]


def test_no_stack_is_a_first_deploy(answers: Answers) -> None:
    answers["cloudformation.describe_stacks"] = Refused(
        "ValidationError", "Stack with id streamflix-dev does not exist"
    )
    answers["cloudformation.list_stacks"] = {"StackSummaries": []}

    (found,) = findings(answers, quiet.CHECKS, "stack")

    assert "first deploy" in found.found


def test_who_holds_the_environment_is_told(answers: Answers) -> None:
    answers["dynamodb.get_item"] = {
        "Item": {
            "hold": {"S": "environment"},
            "holder": {"S": "drill"},
            "reason": {"S": "weekly"},
            "expires_at": {"N": "4102444800"},
        }
    }

    (found,) = findings(answers, quiet.CHECKS, "the hold")

    assert found.verdict == "FAIL"
    assert found.found == "drill holds it for: weekly; until 2100-01-01 00:00:00 UTC"
