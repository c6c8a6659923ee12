"""An execution that slept, or was begun beside another one, finds its run elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from recovery.errors import NotConfirmed, Overtaken, TakenBack
from tests.unit.recovery.scene import (
    COPY,
    DONE,
    GROUPS,
    MARK,
    MEASURED,
    NEW,
    QUARANTINE,
    RUN,
    SOURCE,
)

if TYPE_CHECKING:
    from tests.unit.recovery.scene import Scene

SERVED = ["old:1", "old:2", "4"]


@pytest.fixture
def adopted(scene: Scene) -> Scene:
    """A cutover that is over; another copy of this name would be nobody's."""
    scene.turned()
    for step in ("tell", "resume", "readers"):
        scene.step(step)
    scene.restore("clean")
    scene.step("settle", "", input={"confirm": NEW})
    for step in ("aside", "in", "finish"):
        scene.step(step)
    return scene


@pytest.mark.parametrize(("step", "event"), [("fence", MEASURED), ("turn", DONE)])
def test_what_was_taken_back_does_not_go_on_behind_its_back(
    scene: Scene, step: str, event: dict[str, Any]
) -> None:
    """An execution that was stopped by hand is redriven after another one of the run has failed."""
    scene.begun()
    scene.restore("fail", error="CopyIncomplete")

    with pytest.raises(TakenBack, match=RUN):
        scene.step(step, **event)

    assert scene.rds.worn(SOURCE) == set(GROUPS)
    assert scene.book() == SERVED
    assert scene.restores.known(RUN).turned_at is None


@pytest.mark.parametrize(
    ("step", "event"),
    [("pause", {}), ("fence", MEASURED), ("turn", DONE), ("resume", {}), ("readers", {})],
)
def test_when_its_run_is_adopted_no_step_touches_what_is_in_service(
    adopted: Scene, step: str, event: dict[str, Any]
) -> None:
    """The stack's names are the copy's by now: a fence by name would close it to everybody."""
    book, changed = adopted.book(), len(adopted.rds.changed)

    with pytest.raises(Overtaken, match=RUN):
        adopted.step(step, **event)
    assert adopted.step("undo") == {"reached": "nothing", "address": ""}

    assert adopted.book() == book
    assert len(adopted.rds.changed) == changed
    assert adopted.mapping.state == "Enabled"
    assert not any(adopted.scaling.suspended.values())
    assert adopted.holder() == ""


@pytest.mark.parametrize("step", ["restore", "instance", "master"])
def test_when_its_run_has_turned_nothing_is_made_or_changed_any_more(
    scene: Scene, step: str
) -> None:
    scene.turned()
    changed = len(scene.rds.changed)

    with pytest.raises(Overtaken, match=RUN):
        scene.restore(step)

    assert len(scene.rds.changed) == changed


def test_a_fence_behind_the_turn_closes_nothing(scene: Scene) -> None:
    scene.turned()

    with pytest.raises(Overtaken, match=RUN):
        scene.step("fence", **MEASURED)

    assert scene.rds.worn(COPY) == set(GROUPS)


@pytest.mark.parametrize(("mode", "confirm"), [("cutover", "a typo"), ("drill", "")])
def test_who_asks_for_the_run_of_another_in_other_words_leaves_it_at_work(
    scene: Scene, mode: str, confirm: str
) -> None:
    scene.begin()
    scene.step("pause")
    scene.step("fence", **MEASURED)
    at_work = scene.restores.known(RUN)

    with pytest.raises(NotConfirmed, match="with another mode or another cluster"):
        scene.begin(mode=mode, confirm=confirm)

    assert scene.restores.known(RUN) == at_work
    assert scene.holder() == f"a cutover, {RUN}"
    assert scene.rds.worn(SOURCE) == {QUARANTINE}


def test_what_serves_is_not_taken_away_for_its_name(scene: Scene) -> None:
    """A drill and a cutover of one second have copies of one name, and one copy."""
    scene.begun("drill", mode="drill")
    scene.turned()
    scene.restore("fail", "drill", error="EnvironmentHeld")

    scene.restore("clean", "drill")

    assert COPY in scene.rds.clusters


def test_a_copy_that_another_run_makes_is_not_taken_away_for_its_name(scene: Scene) -> None:
    scene.begun("drill", mode="drill")
    scene.restore("fail", "drill", error="EnvironmentHeld")
    assert scene.rds.clusters[COPY]["TagList"] == MARK

    scene.restore("clean", "drill")

    assert COPY in scene.rds.clusters
