"""A drill, step by step, on real servers: restored, closed, measured, taken away."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from recovery.errors import CopyNotFenced, NotConfirmed, RotationHalfway
from streamflix import hold
from streamflix.errors import EnvironmentHeld
from tests.integration.local.laptop import CLUSTER
from tests.integration.recovery.platform import HOLD, log_in

if TYPE_CHECKING:
    from tests.integration.recovery.platform import Platform

RUNS = (f"drill-{number}" for number in itertools.count(1))
INPUT = {"mode": "drill", "target": "latest"}
REPLAYED, MIGRATED = {"accounts": 3}, {"schemaVersion": 6}


def restored(platform: Platform, run: str, target: str = "latest") -> str:
    """Up to where master can log in; returns the copy's address."""
    platform.step(run, "begin", input={"mode": "drill", "target": target})
    platform.step(run, "restore")
    address = platform.step(run, "instance")["address"]
    platform.step(run, "master")
    return str(address)


def test_a_drill_measures_the_copy_and_leaves_nothing(platform: Platform) -> None:
    before, run = platform.names(), next(RUNS)
    platform.beat()

    address = restored(platform, run)
    platform.inside(address, "logins")
    measured = platform.inside(address, "verify")
    reported = platform.step(run, "report", measured=measured, replayed=REPLAYED, migrated=MIGRATED)
    platform.step(run, "clean")

    assert platform.names() == before
    known = platform.doors().restores.known(run)
    assert (known.outcome, known.accounts_erased, known.schema_version) == ("passed", 3, 6)
    assert 0 < reported["rtoSeconds"] < 60
    assert 0 <= reported["rpoSeconds"] < 15


def test_a_copy_shows_the_moment_that_was_asked_for(platform: Platform) -> None:
    run, add = next(RUNS), "INSERT INTO catalog.title VALUES (%r, 'film', %r, 'drama', 60)"
    platform.as_role("catalog_owner", add % ("tt-before", "Before"))
    platform.beat()
    time.sleep(1.1)
    target = datetime.now(UTC)
    time.sleep(1.1)
    platform.as_role("catalog_owner", add % ("tt-after", "After"))
    platform.beat()
    time.sleep(6)  # until the archive has reached beyond the target

    address = restored(platform, run, target.isoformat())
    platform.inside(address, "logins")
    measured = platform.inside(address, "verify")

    restore = platform.doors().restores.known(run)
    titles = platform.as_role("catalog_owner", "SELECT title_id FROM catalog.title", restore.copy)
    assert ("tt-before",) in titles
    assert ("tt-after",) not in titles
    assert 1.0 < target.timestamp() - measured["beatenAt"] < 10


def test_nobody_but_master_gets_into_a_copy(platform: Platform) -> None:
    platform.ask("CREATE ROLE a_stranger LOGIN PASSWORD 'strange-1'")
    try:
        address = restored(platform, run := next(RUNS))
        assert log_in(address, "analytics", "analytics-1", platform.ca) == ""

        platform.inside(address, "logins")

        for user in ("app", "analytics", "privacy", "recovery"):
            assert "not permitted" in log_in(address, user, f"{user}-1", platform.ca)
        assert "not permitted" in log_in(address, "a_stranger", "strange-1", platform.ca)
        assert log_in(platform.laptop_address(), "analytics", "analytics-1", platform.ca) == ""
        platform.step(run, "clean")
    finally:
        platform.ask("DROP ROLE a_stranger")


def test_a_copy_gets_the_passwords_of_today(platform: Platform) -> None:
    """Rotated since: the twin is current, and does not exist in the copy."""
    platform.beat()
    platform.put("analytics", "analytics_clone", "analytics-2")
    platform.put("privacy", "privacy", "privacy-2")

    address = restored(platform, run := next(RUNS))
    platform.inside(address, "logins")
    copy = platform.doors().restores.known(run).copy
    for user in ("analytics", "analytics_clone", "privacy"):
        platform.ask(f"ALTER ROLE {user} LOGIN", copy)

    assert log_in(address, "analytics", "analytics-1", platform.ca) == ""
    assert log_in(address, "analytics_clone", "analytics-2", platform.ca) == ""
    assert log_in(address, "privacy", "privacy-2", platform.ca) == ""
    assert "password" in log_in(address, "privacy", "privacy-1", platform.ca)
    platform.step(run, "clean")
    platform.put("analytics", "analytics", "analytics-1")
    platform.put("privacy", "privacy", "privacy-1")


def test_a_copy_that_is_open_is_not_measured(platform: Platform) -> None:
    address = restored(platform, run := next(RUNS))
    with pytest.raises(CopyNotFenced, match="analytics"):
        platform.inside(address, "verify")
    platform.step(run, "clean")


def test_what_an_older_run_has_left_is_taken_away(platform: Platform) -> None:
    restored(platform, died := next(RUNS))
    left = platform.doors().restores.known(died).copy
    hold.release(HOLD, died)  # its lease ended

    platform.step(run := next(RUNS), "begin", input=INPUT)

    assert left not in platform.names()
    assert f"{left}-a" not in platform.names()
    platform.step(run, "clean")


def test_whoever_changes_credentials_is_waited_for(platform: Platform) -> None:
    hold.take(HOLD, "rotation", "setSecret of app", "theirs", lease_seconds=60)
    with pytest.raises(EnvironmentHeld, match="rotation for: setSecret of app"):
        platform.step(next(RUNS), "begin", input=INPUT)
    hold.release(HOLD, "theirs")


def test_a_rotation_that_is_halfway_is_waited_for(platform: Platform) -> None:
    manager = platform.laptop.client("secretsmanager")
    made = manager.put_secret_value(
        SecretId=platform.arns["app"], SecretString="{}", VersionStages=["AWSPENDING"]
    )["VersionId"]
    with pytest.raises(RotationHalfway, match="app"):
        platform.step(next(RUNS), "begin", input=INPUT)
    manager.update_secret_version_stage(
        SecretId=platform.arns["app"], VersionStage="AWSPENDING", RemoveFromVersionId=made
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"mode": "cutover"}, "is confirmed with the resource id"),
        ({}, "mode None is none"),
        ({"mode": "drill", "target": "yesterday"}, "is no time"),
        ({"mode": "drill", "target": "2026-11-30T12:00:00"}, "has no time zone"),
    ],
)
def test_an_input_that_means_nothing_begins_nothing(
    platform: Platform, asked: dict[str, str], words: str
) -> None:
    run = next(RUNS)
    with pytest.raises(NotConfirmed, match=words):
        platform.step(run, "begin", input=asked)
    assert platform.doors().restores.of(run) is None
    hold.take(HOLD, "somebody", "else", "free", lease_seconds=1)
    hold.release(HOLD, "free")


def test_a_drill_that_failed_is_on_record_and_leaves_nothing(platform: Platform) -> None:
    before, run = platform.names(), next(RUNS)
    restored(platform, run)

    platform.step(run, "fail", error="CopyIncomplete")
    platform.step(run, "clean")

    known = platform.doors().restores.known(run)
    assert (known.outcome, known.reason) == ("failed", "CopyIncomplete")
    assert platform.names() == before


def test_every_step_may_run_again(platform: Platform) -> None:
    before, run = platform.names(), next(RUNS)
    address = ""
    for _ in range(2):
        address = restored(platform, run)
    for _ in range(2):
        platform.inside(address, "logins")
        measured = platform.inside(address, "verify")
    first, second = (
        platform.step(run, "report", measured=measured, replayed=REPLAYED, migrated=MIGRATED)
        for _ in range(2)
    )
    for _ in range(2):
        platform.step(run, "clean")

    assert first == second
    assert platform.names() == before
    assert [n for n in platform.names() if n.startswith(f"{CLUSTER}-r")] == []
