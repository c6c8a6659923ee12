"""A rotation that does not end well: what `make rotate` says of it, and how long that takes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.account.answers import Refused
from tests.unit.account.rotating import BEGAN, Stage, calls_off, logs, promotes, refused, writes


def test_too_young_a_promotion_is_told_in_words_when_the_label_is_gone_again() -> None:
    reason = "TooSoon: analytics was rotated 20 s ago; wait 41 s more"
    stage = Stage([(1, calls_off), (12, logs("createSecret", reason))])

    assert refused(stage) == (
        "analytics was not rotated: the rotation was called off, AWSCURRENT is as before. "
        "createSecret failed: TooSoon: analytics was rotated 20 s ago; wait 41 s more. "
        "Clients may still hold the password before the current one. "
        "After that time: make rotate SECRET=analytics ENV=dev."
    )


def test_a_label_that_comes_and_goes_between_two_looks_is_told_soon() -> None:
    stage = Stage([(0.5, calls_off)])

    said = refused(stage)

    assert "called off" in said
    assert "The room's log names no failure of analytics." in said
    assert stage.time - BEGAN < 60


def test_one_look_without_the_label_is_no_end() -> None:
    kept: dict[str, Any] = {}

    def hide(stage: Stage, name: str) -> None:
        kept.update(stage.of(name)["VersionIdsToStages"])
        calls_off(stage, name)

    def reveal(stage: Stage, name: str) -> None:
        stage.of(name)["VersionIdsToStages"].update(kept)

    assert "rotated in" in Stage([(3, hide), (5, reveal), (9, promotes)]).rotate("analytics")


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("SecretDrifted", "Somebody changed the password by hand. make rotation-status ENV=dev"),
        ("RightsDiffer", "puts memberships right at its next round; then make rotate"),
        ("PendingStale", "calls it off at its next round; then make rotate"),
    ],
)
def test_an_error_that_stays_is_told_at_once(kind: str, remedy: str) -> None:
    stage = Stage([(3, logs("setSecret", f"{kind}: in words"))])

    said = refused(stage)

    assert said.startswith("analytics is not rotated: AWSPENDING is still on the new version.")
    assert f"setSecret failed: {kind}: in words. " in said
    assert remedy in said
    assert stage.time - BEGAN < 15


def test_an_error_that_passes_is_waited_for() -> None:
    held = logs("setSecret", "EnvironmentHeld: ann@desk for: make deploy, until 12:00:00 UTC")
    stage = Stage([(3, held), (100, logs("setSecret")), (110, promotes)])

    assert "rotated in" in stage.rotate("analytics")
    assert any(
        "setSecret failed: EnvironmentHeld, Secrets Manager tries again · 0:5" in line
        for line in stage.progress
    )


def test_a_hold_that_outlasts_every_attempt_is_told_in_words() -> None:
    stage = Stage([(3, logs("setSecret", "EnvironmentHeld: ann@desk for: make deploy"))])

    said = refused(stage)

    assert "EnvironmentHeld: ann@desk for: make deploy. Somebody else is changing" in said
    assert "make rotate SECRET=analytics ENV=dev; it goes on where this one stopped." in said
    assert stage.time - BEGAN < 330


def test_attempts_that_never_end_are_left_after_a_quarter_of_an_hour() -> None:
    attempts = [(at, logs("testSecret", "NewLoginRefused: no")) for at in range(10, 2000, 100)]
    stage = Stage(attempts)

    said = refused(stage)

    assert "not rotated yet, although it was given a quarter of an hour" in said
    assert "make rotation-status ENV=dev says what logs in" in said


def test_the_failures_of_other_logins_are_none_of_this_one() -> None:
    others = logs("setSecret", "SecretDrifted: theirs", login="privacy")

    assert "rotated in" in Stage([(1, others), (9, promotes)]).rotate("analytics")


@pytest.mark.parametrize(
    "line",
    [
        "[ERROR] SettingsInvalid: HOLD_TABLE is missing\nTraceback (most recent call last):",
        '{"level": "ERROR", "message": "SettingsInvalid: HOLD_TABLE is missing"}',
    ],
)
def test_silence_ends_the_wait_and_shows_the_last_error_that_names_no_login(line: str) -> None:
    stage = Stage([(3, writes(line))])

    said = refused(stage)

    assert "nothing happens any more, and AWSPENDING is still on the new version. " in said
    assert "The room's last error names no login: " in said
    assert "SettingsInvalid: HOLD_TABLE is missing. make rotation-status ENV=dev" in said
    assert "Traceback" not in said


def test_a_log_that_may_not_be_read_hinders_nothing() -> None:
    denied = Refused("AccessDeniedException", "no logs for you")
    stage = Stage([(400, promotes)])
    stage.answers["logs.filter_log_events"] = denied
    assert "rotated in" in stage.rotate("analytics")

    stage = Stage([])
    stage.answers["logs.filter_log_events"] = denied
    assert "The room's log cannot be read: " in refused(stage)
