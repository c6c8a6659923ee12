"""A copy takes the cluster's place, and its names, on real servers."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg2
import pytest

from recovery.errors import NotAdopted, NotConfirmed, Overtaken, TakenBack
from schema import migrations
from streamflix import hold
from streamflix.errors import EnvironmentHeld
from tests import described
from tests.eventually import eventually
from tests.integration.local.laptop import CLUSTER
from tests.integration.recovery.platform import HOLD, log_in
from tests.integration.recovery.takeover import (
    EVERYBODY,
    lets_in,
)

if TYPE_CHECKING:
    from tests.integration.recovery.platform import Platform
    from tests.integration.recovery.takeover import Stage

RUNS = (f"cutover-{number}" for number in itertools.count(1))
ADD = "INSERT INTO catalog.title VALUES (%r, 'film', %r, 'drama', 60)"
# The last that made something new, and what came after; by whom they are taken out.
THE_LAST = {
    "analytics_owner": """
        DROP FUNCTION analytics.merge_deltas, analytics.title_counted, analytics.title_deltas;
        DROP AGGREGATE analytics.bigint_sum(bigint);
        DROP TABLE analytics.title_delta_0, analytics.title_delta_1, analytics.title_delta_2
        """,
    "ops_owner": "DELETE FROM ops.migration WHERE version >= 9",
}
TITLES = "SELECT title_id FROM catalog.title"


def now_and_then() -> str:
    """A moment, when it is over: a restore knows whole seconds."""
    time.sleep(1.1)
    target = datetime.now(UTC).isoformat()
    time.sleep(1.1)
    return target


def await_restorable(platform: Platform, target: str) -> None:
    eventually(
        lambda: platform.laptop.described()["LatestRestorableTime"],
        15,
        lambda latest: latest > datetime.fromisoformat(target),
    )


def epoch_in(platform: Platform, cluster: str = CLUSTER) -> int:
    [(epoch,)] = platform.as_role("ops_owner", "SELECT epoch FROM ops.epoch", cluster)
    return int(epoch)


def test_a_copy_of_before_takes_over_and_then_the_names(stage: Stage) -> None:
    platform, run = stage.platform, next(RUNS)
    before, epoch = stage.described(), int(stage.book()["epoch"])
    platform.as_role("catalog_owner", ADD % (f"{run}-kept", "Kept"))
    platform.beat()
    target = now_and_then()
    platform.as_role("catalog_owner", ADD % (f"{run}-mistaken", "Mistaken"))
    await_restorable(platform, target)
    old = platform.laptop_address()

    stage.take_over(run, target)

    restore = platform.doors().restores.known(run)
    writer = stage.book()["writer"]
    assert writer != old
    assert lets_in(platform, writer) == EVERYBODY
    assert lets_in(platform, old) == []
    assert epoch_in(platform, restore.copy) == int(stage.book()["epoch"]) == epoch + 1
    assert stage.target() == restore.copy
    assert (stage.mapping_state(), stage.scaling()) == ("Enabled", {True})
    assert (restore.outcome, restore.accounts_erased, restore.schema_version) == (
        "passed",
        2,
        migrations.load()[-1].version,
    )

    replaced = stage.adopt()

    titles = {title for (title,) in platform.as_role("catalog_owner", TITLES)}
    assert f"{run}-kept" in titles
    assert f"{run}-mistaken" not in titles
    assert described.differing(before, stage.described()) == {}
    assert stage.book()["writer"] == platform.laptop_address() == old
    assert stage.target() == CLUSTER
    assert stage.scaling() == {False}
    assert lets_in(platform, platform.laptop_address()) == EVERYBODY
    stage.forget(replaced)


def test_a_migration_and_a_rotation_that_came_since_are_in_the_copy(stage: Stage) -> None:
    """Of the newest migration, which is taken out of the original as it was before."""
    platform, run = stage.platform, next(RUNS)
    for role, statement in THE_LAST.items():
        platform.as_role(role, statement)
    platform.beat()
    target = now_and_then()
    stage.migrate(platform.laptop_address())
    platform.put("analytics", "analytics_clone", "analytics-2")
    platform.put("privacy", "privacy", "privacy-2")
    await_restorable(platform, target)
    try:
        stage.take_over(run, target)

        copy, writer = platform.doors().restores.known(run).copy, stage.book()["writer"]
        found = platform.as_role(
            "analytics_owner", "SELECT count(*) FROM analytics.title_deltas()", copy
        )
        assert found == [(0,)]
        for user, password in (
            ("analytics", "analytics-1"),
            ("analytics_clone", "analytics-2"),
            ("privacy", "privacy-2"),
            ("app", "app-1"),
        ):
            assert log_in(writer, user, password, platform.ca) == ""
        assert "password" in log_in(writer, "privacy", "privacy-1", platform.ca)
    finally:
        platform.put("analytics", "analytics", "analytics-1")
        platform.put("privacy", "privacy", "privacy-1")
    stage.forget(stage.adopt())
    platform.ask("ALTER ROLE privacy PASSWORD 'privacy-1'")


def test_a_cutover_that_failed_before_its_turn_leaves_all_as_it_was(stage: Stage) -> None:
    platform, run = stage.platform, next(RUNS)
    before, names, book = stage.described(), platform.names(), stage.book()
    platform.step(run, "begin", input={"mode": "cutover", "confirm": stage.confirmation()})
    stage.step(run, "pause")
    assert stage.mapping_state() in {"Disabling", "Disabled"}
    stage.prepare(run)
    assert lets_in(platform, platform.laptop_address()) == []

    assert stage.take_back(run)["reached"] == "fenced"

    assert lets_in(platform, platform.laptop_address()) == EVERYBODY
    assert (stage.mapping_state(), stage.scaling()) == ("Enabled", {False})
    assert described.differing(before, stage.described()) == {}
    assert (platform.names(), stage.book()) == (names, book)
    assert platform.doors().restores.known(run).outcome == "failed"
    platform.beat()
    with pytest.raises(TakenBack, match=run):
        platform.step(run, "begin", input={"mode": "cutover", "confirm": stage.confirmation()})


def test_nothing_is_taken_back_behind_the_turn_and_the_run_goes_on(stage: Stage) -> None:
    platform, run = stage.platform, next(RUNS)
    confirm, old = stage.confirmation(), platform.laptop_address()
    platform.step(run, "begin", input={"mode": "cutover", "confirm": confirm})
    stage.step(run, "pause")
    stage.step(run, "turn", **stage.prepare(run))

    assert stage.take_back(run)["reached"] == "turned"

    assert lets_in(platform, old) == []
    with pytest.raises(EnvironmentHeld):
        hold.take(HOLD, "rotation", "setSecret of app", "theirs", lease_seconds=1)
    stage.take_over(run, confirm=confirm)
    assert lets_in(platform, stage.book()["writer"]) == EVERYBODY
    assert platform.doors().restores.known(run).outcome == "passed"
    with pytest.raises(Overtaken, match="this database is in life"):  # by who fenced, and slept
        platform.inside(stage.book()["writer"], "logins", epoch=int(stage.book()["epoch"]))
    assert lets_in(platform, stage.book()["writer"]) == EVERYBODY
    with pytest.raises(NotAdopted, match=run):
        platform.step(next(RUNS), "begin", input={"mode": "drill"})


def test_whoever_was_inside_the_old_cluster_is_put_out_of_it(stage: Stage) -> None:
    platform, run = stage.platform, next(RUNS)
    host, _, port = platform.laptop_address().rpartition(":")
    inside = psycopg2.connect(
        host=host,
        port=port,
        user="app",
        password="app-1",
        dbname="streamflix",
        sslmode="verify-full",
        sslrootcert=str(platform.ca),
    )
    platform.step(run, "begin", input={"mode": "cutover", "confirm": stage.confirmation()})
    stage.step(run, "pause")

    stage.prepare(run)

    with pytest.raises(psycopg2.Error):
        inside.cursor().execute("SELECT 1")
    stage.take_back(run)


@pytest.mark.parametrize(
    ("confirm", "words"),
    [("", "is confirmed with"), ("cluster-OF-SOMEBODY", "is not the cluster in service")],
)
def test_a_cutover_begins_for_nobody_who_does_not_name_what_it_replaces(
    stage: Stage, confirm: str, words: str
) -> None:
    run = next(RUNS)
    with pytest.raises(NotConfirmed, match=words):
        stage.platform.step(run, "begin", input={"mode": "cutover", "confirm": confirm})
    assert stage.platform.doors().restores.of(run) is None


def test_nothing_is_adopted_that_did_not_take_over(stage: Stage) -> None:
    with pytest.raises(NotConfirmed, match="waits to be adopted"):
        stage.step("", "settle", input={"confirm": stage.confirmation()})
