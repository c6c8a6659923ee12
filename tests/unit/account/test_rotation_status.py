"""`make rotation-status`: one table, one line, and a status that a script can believe."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from account import __main__ as command
from account import secrets
from account.refusal import Refusal
from account.rotation import status
from tests.unit.account.answers import Paper, Refused
from tests.unit.account.rotating import secret

if TYPE_CHECKING:
    from tests.unit.account.answers import Answers

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DUE = datetime(2026, 12, 1, 2, 30, tzinfo=UTC)


def seen(login: str, *findings: str, **changes: Any) -> dict[str, Any]:
    return {
        "login": login,
        "strategy": "alternating",
        "username": login.removeprefix("redis/"),
        "age_days": 12.34,
        "state": "at rest",
        "logs_in": "AWSCURRENT",
        "findings": list(findings),
        "repaired": [],
        **changes,
    }


def sweeper(answers: Answers, *changed: dict[str, Any]) -> None:
    """An account whose seven logins are well, but for these."""
    others = {each["login"]: each for each in changed}
    lines = [others.get(login, seen(login)) for login in secrets.LOGINS]
    drift = sum(bool(each["findings"]) for each in lines)
    answer = {"environment": "dev", "drift": drift, "secrets": lines}
    answers["lambda.invoke"] = lambda: {"Payload": io.BytesIO(json.dumps(answer).encode())}


def scheduled(answers: Answers, **changed: dict[str, Any]) -> None:
    answers["secretsmanager.describe_secret"] = lambda **asked: changed.get(
        asked["SecretId"].rpartition("/")[2], secret(NextRotationDate=DUE)
    )


@pytest.fixture
def well(answers: Answers) -> Answers:
    sweeper(answers)
    scheduled(answers)
    return answers


def refused(answers: Answers) -> tuple[str, Paper]:
    paper = Paper()
    with pytest.raises(Refusal) as told:
        status.show(answers.account(), paper, NOW)
    return str(told.value), paper


def test_all_seven_are_shown_and_well(well: Answers) -> None:
    paper = Paper()

    status.show(well.account(), paper, NOW)

    assert paper.lines[0] == "account 123456789012, region eu-central-1, environment dev"
    assert paper.lines[4].split(" | ") == [
        *("analytics", "alternating", "analytics", "12.3", "at rest", "AWSCURRENT"),
        *("2026-12-01 02:30", "ok", ""),
    ]
    assert paper.lines[-1] == (
        "All is well: 7 logins, the oldest password is 12.3 days old, "
        "the next rotation is due on 2026-12-01."
    )
    assert len(paper.lines) == 1 + 1 + 7 + 1


def test_the_sweeper_only_looks(well: Answers) -> None:
    status.show(well.account(), Paper(), NOW)

    [call] = well.called("lambda.invoke")
    assert call["FunctionName"] == "streamflix-rotation-sweep-dev"
    assert json.loads(call["Payload"]) == {"repair": False}


def test_the_laptops_cloud_needs_no_introduction(well: Answers) -> None:
    paper = Paper()

    status.show(well.account("local"), paper, NOW)

    assert paper.lines[0] == "Logins of local"


def test_drift_is_a_failure_that_names_the_runbook_and_the_command(well: Answers) -> None:
    sweeper(
        well,
        seen("privacy", "AWSCURRENT does not log in", state="stuck", logs_in="AWSPREVIOUS"),
        seen("redis/app", "one password too many", "the old one is 3 h old"),
    )

    said, paper = refused(well)

    assert said == (
        "Not well: privacy, redis/app. "
        "What a finding means and what comes first: docs/runbooks/secret-drifted.md. "
        "To rotate: make rotate SECRET=privacy ENV=dev."
    )
    assert "stuck | AWSPREVIOUS | 2026-12-01 02:30 | FAIL | AWSCURRENT does not" in paper.text
    assert "FAIL | one password too many; the old one is 3 h old" in paper.text


@pytest.mark.parametrize(
    ("found", "shown", "advice"),
    [
        (
            {"RotationEnabled": False},
            "none | FAIL | rotation is not set up",
            "make deploy ENV=dev sets up the rotation of ops.",
        ),
        (
            secret(RotationEnabled=False),
            "none | FAIL | rotation is turned off",
            "make rotate SECRET=redis/ops ENV=dev",
        ),
        (
            secret(NextRotationDate=NOW - timedelta(hours=2)),
            "2026-11-02 07:00 | FAIL | rotation is overdue",
            "make rotate SECRET=redis/ops ENV=dev",
        ),
    ],
)
def test_a_secret_that_is_not_rotated_is_a_failure(
    well: Answers, found: dict[str, Any], shown: str, advice: str
) -> None:
    scheduled(well, ops=found)

    said, paper = refused(well)

    assert said.startswith("Not well: redis/ops.")
    assert advice.replace("of ops", "of redis/ops") in said
    assert shown in paper.text


def test_a_date_that_has_just_passed_is_not_overdue(well: Answers) -> None:
    scheduled(well, ops=secret(NextRotationDate=NOW - timedelta(minutes=50)))

    status.show(well.account(), Paper(), NOW)


def test_without_a_stack_the_remedy_is_to_deploy(well: Answers) -> None:
    well["lambda.invoke"] = Refused("ResourceNotFoundException")

    said, _ = refused(well)

    assert said == (
        "There is no function streamflix-rotation-sweep-dev: make deploy ENV=dev comes first."
    )


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (
            {"errorType": "HoldLost", "errorMessage": "gone.\nTraceback", "stackTrace": ["x"]},
            "HoldLost: gone",
        ),
        ("Task timed out after 60.00 seconds", '"Task timed out after 60.00 seconds"'),
    ],
)
def test_a_sweeper_that_fails_says_why_and_where_its_log_is(
    well: Answers, payload: Any, words: str
) -> None:
    body = json.dumps(payload).encode()
    well["lambda.invoke"] = lambda: {"Payload": io.BytesIO(body), "FunctionError": "Unhandled"}

    said, _ = refused(well)

    assert said == (
        f"streamflix-rotation-sweep-dev failed: {words}. "
        "The room's log: make logs ENV=dev ROOM=rotation"
    )


@pytest.mark.parametrize("payload", ["null", '{"secrets": [{}]}', '{"drift": 0}', "?"])
def test_a_sweeper_of_another_age_is_told_from_a_healthy_one(well: Answers, payload: str) -> None:
    well["lambda.invoke"] = lambda: {"Payload": io.BytesIO(payload.encode())}

    said, _ = refused(well)

    assert said.endswith("answers in another form than this checkout reads: make deploy ENV=dev.")


@pytest.mark.parametrize(("findings", "wanted"), [((), 0), (("somebody's password",), 1)])
def test_a_script_can_believe_the_exit_status(
    well: Answers, monkeypatch: Any, capsys: Any, findings: tuple[str, ...], wanted: int
) -> None:
    sweeper(well, seen("app", *findings))
    scheduled(well, **{login.rpartition("/")[2]: secret() for login in secrets.LOGINS})
    paper = Paper()
    monkeypatch.setattr(command, "_account", well.account)
    monkeypatch.setattr(command, "Terminal", lambda: paper)

    assert command.main(["rotation-status", "--env", "dev"]) == wanted
    assert ("All is well: 7 logins" in paper.text) is (wanted == 0)
    assert ("Not well: app." in capsys.readouterr().err) is (wanted == 1)
