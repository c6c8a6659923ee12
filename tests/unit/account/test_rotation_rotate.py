"""`make rotate` begins a rotation, or goes on with one, and follows it to the promotion."""

from __future__ import annotations

from typing import Any

import pytest

from account import __main__ as command
from account import secrets
from account.refusal import Refusal
from account.rotation.rotate import chosen
from tests.unit.account.answers import Refused
from tests.unit.account.rotating import (
    NAME,
    NEW,
    OLD,
    Stage,
    calls_off,
    interrupts,
    logs,
    promotes,
    refused,
    secret,
)


def test_it_shows_the_account_follows_to_the_promotion_and_says_how_long_it_took() -> None:
    stage = Stage([(3, logs("createSecret")), (9, promotes)])

    shown = stage.rotate("analytics").splitlines()

    [call] = stage.called()
    assert call["SecretId"] == NAME
    [new] = [v for v, at in stage.of(NAME)["VersionIdsToStages"].items() if at == ["AWSCURRENT"]]
    assert shown == [
        "account 123456789012, region eu-central-1, environment dev",
        f"analytics: rotated in 10.0 s; AWSCURRENT is version {new[:8]}.",
    ]
    assert stage.progress[0] == "analytics: begun · 0:00 min"
    assert "analytics: createSecret done · 0:08 min" in stage.progress
    assert stage.progress[-1] == ""


def test_a_promotion_that_another_one_has_followed_already_is_one() -> None:
    def twice(stage: Stage, name: str) -> None:
        promotes(stage, name)
        stage.of(name)["VersionIdsToStages"][NEW] = ["AWSPENDING"]
        promotes(stage, name)

    assert "rotated in" in Stage([(1, twice)]).rotate("analytics")


def test_nothing_begins_without_the_answer() -> None:
    stage = Stage([(1, promotes)])

    with pytest.raises(Refusal, match="Nothing was done"):
        stage.rotate("analytics", answer="no")

    assert not stage.called()


def test_all_seven_are_rotated_one_after_the_other() -> None:
    stage = Stage([(1, promotes)])

    shown = stage.rotate(*chosen("all"))

    assert [call["SecretId"] for call in stage.called()] == [
        secrets.secret_name("dev", login) for login in secrets.LOGINS
    ]
    assert shown.endswith("7 logins rotated in 14 s.")


def test_the_first_that_fails_ends_the_run_and_names_those_not_begun() -> None:
    stage = Stage([(1, calls_off), (1, logs("createSecret", "TooSoon: wait", "privacy"))])

    said = refused(stage, "privacy", "recovery", "redis/app")

    assert said.endswith("Not begun: recovery, redis/app.")
    assert len(stage.called()) == 1


@pytest.mark.parametrize("asked", ["", "analytic", "aurora/app", "streamflix/dev/redis/app"])
def test_an_unknown_secret_lists_the_seven(asked: str, capsys: Any) -> None:
    assert command.main(["rotate", "--env", "dev", "--secret", asked]) == 1

    assert capsys.readouterr().err.endswith(
        "is one of master, app, analytics, privacy, recovery, redis/app, redis/ops, or all.\n"
    )


def test_an_earlier_rotation_that_has_not_ended_is_gone_on_with() -> None:
    stage = Stage([(1, promotes)])
    stage.of(NAME)["VersionIdsToStages"][NEW] = ["AWSPENDING"]

    shown = stage.rotate("analytics")

    assert "an earlier rotation has not ended; going on with its version 11111111." in shown
    assert "AWSCURRENT is version 11111111." in shown
    assert stage.called()[-1]["ClientRequestToken"] == NEW


def test_one_that_secrets_manager_takes_up_by_itself_is_followed() -> None:
    stage = Stage([])
    stage.of(NAME)["VersionIdsToStages"][NEW] = ["AWSPENDING"]
    stage.answers["secretsmanager.rotate_secret"] = Refused("InvalidRequestException", "not yet")
    stage._pending.append((stage.time + 5, promotes, NAME))

    shown = stage.rotate("analytics")

    assert "Secrets Manager is at it already." in shown
    assert "AWSCURRENT is version 11111111." in shown


def test_another_refusal_is_told_in_aws_own_words() -> None:
    stage = Stage([])
    stage.answers["secretsmanager.rotate_secret"] = Refused("InvalidRequestException", "No way.")

    assert refused(stage) == f"Secrets Manager does not rotate {NAME}: No way."


def test_a_rotation_that_was_turned_off_is_turned_on_again() -> None:
    stage = Stage([(1, promotes)])
    stage.secrets[NAME] = secret(RotationEnabled=False)

    assert "this turns it on again" in stage.rotate("analytics")

    [call] = stage.called()
    assert call["RotationRules"] == {"ScheduleExpression": "rate(30 days)"}
    assert call["RotationLambdaARN"].endswith(":function:rotate")


@pytest.mark.parametrize(
    ("found", "remedy"),
    [
        ({"VersionIdsToStages": {OLD: ["AWSCURRENT"]}}, "make deploy ENV=dev does it"),
        (secret(DeletedDate=0), "aws secretsmanager restore-secret --secret-id " + NAME),
        (Refused("ResourceNotFoundException"), "make secrets ENV=dev"),
    ],
)
def test_none_begins_when_one_cannot_be_rotated(found: Any, remedy: str) -> None:
    stage = Stage([(1, promotes)])
    stage.secrets[NAME] = found

    assert remedy in refused(stage, "privacy", "analytics")
    assert not stage.called()


def test_an_interrupt_says_that_the_rotation_goes_on_by_itself() -> None:
    stage = Stage([(3, interrupts)])

    with pytest.raises(KeyboardInterrupt) as told:
        stage.rotate("analytics", "privacy")

    assert str(told.value) == (
        "Interrupted. What has begun of analytics's rotation goes on by itself; "
        "make rotation-status ENV=dev shows how it ended. Not begun: privacy."
    )
    assert stage.progress[-1] == ""


def test_an_account_that_stops_answering_says_so_too() -> None:
    stage = Stage([])

    def lost(stage: Stage, _: str) -> None:
        stage.answers["secretsmanager.describe_secret"] = Refused("ExpiredTokenException", "late.")

    stage.plot = [(3, lost)]

    said = refused(stage)

    assert "late. What has begun of analytics's rotation goes on by itself" in said


def test_on_the_laptop_nobody_is_asked_and_it_looks_twice_a_second() -> None:
    stage = Stage([(1.2, promotes)], environment="local")

    assert "analytics: rotated in 1.5 s" in stage.rotate("analytics", answer="")


def test_main_shows_the_words_of_an_interrupt(monkeypatch: Any, capsys: Any) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt("Interrupted. It goes on.")

    monkeypatch.setattr(command, "_rotate", interrupted)

    assert command.main(["rotate", "--env", "dev", "--secret", "app"]) == 130
    assert capsys.readouterr().err == "Interrupted. It goes on.\n"
