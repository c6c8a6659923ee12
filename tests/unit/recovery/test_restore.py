"""Who may begin a restore, what may be gone on with, and what older ones have left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from recovery import lease
from recovery.clusters import Clusters
from recovery.errors import CopyIncomplete, CopyNotReady, NotAdopted, NotConfirmed, TakenBack
from streamflix import hold
from streamflix.errors import EnvironmentHeld
from tests.unit.recovery.scene import COPY, HOLD, MARK, MEASURED, NEW, OLD, QUARANTINE, RUN, SOURCE

if TYPE_CHECKING:
    from tests.unit.recovery.scene import Scene

DAY = 86_400
EVENTS = Path(__file__).parents[3] / "events" / "recovery"


def test_a_restore_that_begins_is_on_record_and_holds_the_environment(scene: Scene) -> None:
    del scene.rds.clusters[COPY]

    answer = scene.begin()

    assert answer == {
        "targetTime": "1970-01-01T02:46:40+00:00",
        "mode": "cutover",
        "turned": False,
    }
    restore = scene.restores.known(RUN)
    assert (restore.mode, restore.replaced, restore.target_at) == ("cutover", OLD, None)
    assert restore.copy == f"{SOURCE}-r19700101024640"
    assert scene.holder() == f"a cutover, {RUN}"


def test_one_that_is_begun_again_keeps_its_copy_and_its_time(scene: Scene) -> None:
    scene.begin()
    first = scene.restores.known(RUN)
    scene.time.sleep(120)

    assert scene.begin()["targetTime"] == "1970-01-01T02:46:40+00:00"
    assert scene.restores.known(RUN) == first


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "mode None is none"),
        ({"mode": "adopt"}, "mode 'adopt' is none"),
        ({"mode": "cutover"}, "confirmed with the resource id"),
        ({"mode": "cutover", "confirm": NEW}, "cluster-NEW is not the cluster in service"),
        ({"mode": "drill", "target": "yesterday"}, "is no time"),
        ({"mode": "drill", "target": "2026-11-30T12:00:00"}, "has no time zone"),
    ],
)
def test_what_was_not_asked_for_in_full_begins_nothing(
    scene: Scene, asked: dict[str, Any], words: str
) -> None:
    with pytest.raises(NotConfirmed, match=words):
        scene.restore("begin", input=asked)

    assert scene.restores.of(RUN) is None
    assert scene.holder() == ""
    assert COPY in scene.rds.clusters


@pytest.mark.parametrize("mode", ["drill", "cutover"])
def test_while_a_cutover_is_not_adopted_nothing_is_begun(scene: Scene, mode: str) -> None:
    """The stack's name belongs to what was replaced."""
    scene.turned("taken-over")
    scene.let_go("taken-over")

    with pytest.raises(NotAdopted, match=r"^taken-over took over"):
        scene.begin(mode=mode)

    assert scene.restores.of(RUN) is None
    assert scene.holder() == ""


def test_a_drill_that_died_does_not_go_on_beside_what_took_over_since(scene: Scene) -> None:
    """It takes away what other runs have left; one that died in its turn still bears its mark."""
    scene.begin(mode="drill", confirm="")
    scene.let_go()
    scene.turned("taken-over")
    scene.rds.clusters[COPY]["TagList"] = [{"Key": "Restore", "Value": "taken-over"}]
    scene.let_go("taken-over")

    with pytest.raises(NotAdopted):
        scene.begin(mode="drill", confirm="")

    assert COPY in scene.rds.clusters


def test_the_steps_of_the_sample_events_are_taken(scene: Scene) -> None:
    begin, fence = (
        json.loads((EVENTS / f"{name}.json").read_text()) for name in ("restore", "cutover")
    )
    run = fence["run"]

    assert scene.restore(**begin)["mode"] == "drill"
    assert scene.begin(run)["mode"] == "cutover"
    assert scene.step(**fence)["epoch"] == 5


def test_what_failed_does_not_go_on(scene: Scene) -> None:
    scene.begun()
    scene.restore("fail", error="CopyIncomplete")

    with pytest.raises(TakenBack, match=RUN):
        scene.begin()


@pytest.mark.parametrize(("mode", "confirm"), [("drill", OLD), ("cutover", NEW)])
def test_a_run_goes_on_as_it_was_confirmed_only(scene: Scene, mode: str, confirm: str) -> None:
    scene.begun()

    with pytest.raises(NotConfirmed, match="with another mode or another cluster"):
        scene.begin(mode=mode, confirm=confirm)


def test_one_that_has_turned_goes_on_and_keeps_its_copy(scene: Scene) -> None:
    scene.turned()
    scene.rds.clusters[COPY]["TagList"] = list(MARK)

    assert scene.begin()["turned"] is True
    assert COPY in scene.rds.clusters


def test_one_that_is_adopted_is_over(scene: Scene) -> None:
    """It would lead everybody back to its copy, whatever took over since."""
    adopted = scene.restores.end(scene.turned(), outcome="passed", ended_at=scene.time())
    scene.restores.advance(adopted, 9, adopted_at=scene.time())
    scene.let_go()

    with pytest.raises(NotConfirmed, match="over and adopted"):
        scene.begin()

    assert scene.holder() == ""


def test_one_that_had_not_turned_does_not_replace_what_came_since(scene: Scene) -> None:
    scene.begun()
    scene.rds.add(SOURCE, "cluster-LATER", "sg-a")

    with pytest.raises(NotConfirmed, match="cluster-OLD is not the cluster in service"):
        scene.begin()


def test_whoever_begins_takes_away_what_others_have_left_and_nothing_else(scene: Scene) -> None:
    scene.rds.add(f"{SOURCE}-r9", "cluster-9", QUARANTINE, TagList=[])
    scene.rds.add("somebody-elses", "cluster-8", TagList=list(MARK))

    scene.begin("another", mode="drill", confirm="")

    assert scene.rds.clusters.keys() == {SOURCE, f"{SOURCE}-r9", "somebody-elses"}
    assert {it["DBClusterIdentifier"] for it in scene.rds.instances.values()} == {SOURCE}


def test_whoever_waits_for_the_database_does_not_wait_for_house_cleaning(scene: Scene) -> None:
    before = scene.rds.clusters.keys()

    scene.begin("another")

    assert scene.rds.clusters.keys() == before
    assert COPY in before


def test_a_cutover_takes_the_environment_from_a_drill_and_a_drill_from_nobody(
    scene: Scene,
) -> None:
    scene.begin("rehearsed", mode="drill", confirm="")

    scene.begin("in-earnest")

    assert scene.holder() == "a cutover, in-earnest"
    with pytest.raises(EnvironmentHeld, match="in-earnest"):
        scene.begin("rehearsed", mode="drill", confirm="")


@pytest.mark.parametrize(("days", "kept"), [(6.9, True), (7.1, False)])
def test_a_replaced_cluster_is_kept_for_the_days_that_its_owner_has_set(
    scene: Scene, days: float, kept: bool
) -> None:
    adopted = scene.restores.end(scene.turned(), outcome="passed", ended_at=scene.time())
    scene.restores.advance(adopted, 9, adopted_at=scene.time())
    scene.let_go()
    aside = adopted.aside_name(SOURCE)
    scene.rds.add(aside, OLD, QUARANTINE)
    scene.rds.join(aside, f"{aside}-a")
    scene.time.sleep(days * DAY)

    scene.begin("next", mode="drill", confirm="")

    assert (aside in scene.rds.clusters) is kept
    assert (f"{aside}-a" in scene.rds.instances) is kept


def test_beside_whoever_holds_the_environment_nothing_is_begun_or_taken_away(
    scene: Scene,
) -> None:
    hold.take(HOLD, "deploy", "a deploy", "a-token", lease_seconds=lease.SECONDS)

    with pytest.raises(EnvironmentHeld, match="a deploy"):
        scene.begin("another")

    assert scene.restores.of("another") is None
    assert COPY in scene.rds.clusters


def test_what_failed_is_taken_away_and_lets_go(scene: Scene) -> None:
    scene.begun()
    scene.step("pause")
    scene.restore("fail", error="CopyIncomplete")

    for _ in range(2):
        assert scene.restore("clean") == {"outcome": "failed"}

    assert COPY not in scene.rds.clusters
    assert SOURCE in scene.rds.clusters
    assert scene.holder() == ""


def test_whoever_gives_up_does_not_put_that_over_a_turn_that_it_has_not_seen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two executions of one run: between what the one reads and what it puts, the other turns."""
    scene.begun()
    scene.step("fence", **MEASURED)
    stale = scene.restores.known(RUN)
    turned = scene.turned()
    read = iter([stale, turned])
    with monkeypatch.context() as context:
        context.setattr(scene.restores, "of", lambda _: next(read))
        scene.restore("fail", error="Lambda.Unknown")

    assert scene.restores.of(RUN) == turned


def test_a_drill_that_failed_meanwhile_is_not_told_as_passed(scene: Scene) -> None:
    scene.begun(mode="drill")
    scene.restore("fail", error="CopyNotFenced")
    done = {"replayed": {"accounts": 0}, "migrated": {"schemaVersion": 7}}

    with pytest.raises(TakenBack, match=RUN):
        scene.restore("report", **MEASURED, **done)


def test_a_drill_tells_what_it_measured(scene: Scene) -> None:
    scene.begun(mode="drill")
    done = {"replayed": {"accounts": 2}, "migrated": {"schemaVersion": 7}}
    late = {"measured": {"beatenAt": 9_658.5, "accounts": 100}}

    told = scene.restore("report", **late, **done)

    assert told == {"rtoSeconds": 300.0, "rpoSeconds": 41.5}
    assert scene.restores.known(RUN).outcome == "passed"
    scene.begun("shrunk", mode="drill")
    with pytest.raises(CopyIncomplete):
        scene.restore("report", "shrunk", measured={"beatenAt": 0, "accounts": 1}, **done)


def test_a_copy_is_gone_when_aws_says_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.rds, "delete_db_cluster", lambda **_: {})

    with pytest.raises(CopyNotReady, match=f"{COPY} is being deleted"):
        Clusters(SOURCE, []).remove(COPY)
