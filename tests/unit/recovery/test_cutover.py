"""A copy takes over: what is on record before what is done, and what is given back until when."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from recovery import lease
from recovery.cutover import handler
from recovery.errors import BadTask, CopyIncomplete, CopyNotReady, NotConfirmed
from streamflix import hold
from streamflix.errors import EnvironmentHeld
from tests.unit.recovery.scene import (
    COPY,
    DONE,
    GROUPS,
    HOLD,
    MEASURED,
    NEW,
    OLD,
    QUARANTINE,
    RUN,
    SOURCE,
)

if TYPE_CHECKING:
    from tests.unit.recovery.scene import Scene

SERVED = ["old:1", "old:2", "4"]
LED = [f"{COPY}.cluster:5432", f"{COPY}.cluster-ro:5432", "5"]
LAMBDA = ("function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id")


def test_a_fence_puts_what_it_will_give_back_on_record_then_nobody_new_gets_in(
    scene: Scene,
) -> None:
    scene.begun()

    answer = scene.step("fence", **MEASURED)

    restore = scene.restores.known(RUN)
    assert answer == {"address": f"{SOURCE}.cluster:5432", "epoch": 5}
    assert (restore.groups, restore.epoch) == (GROUPS, 5)
    assert (restore.accounts, restore.rpo_seconds) == (100, 60.0), "until the fence"
    assert scene.rds.worn(SOURCE) == {QUARANTINE}
    assert scene.book() == SERVED


def test_a_fence_that_is_repeated_keeps_what_was_measured_and_worn_first(scene: Scene) -> None:
    scene.begun()
    scene.step("fence", **MEASURED)
    first = scene.restores.known(RUN)
    scene.time.sleep(60)

    scene.step("fence", measured={"beatenAt": 0.0, "accounts": 0})

    assert scene.restores.known(RUN) == first


def test_a_copy_that_shrank_is_refused_before_anything_is_on_record(scene: Scene) -> None:
    before = scene.begun("before", mode="drill")
    scene.restores.end(before, outcome="passed", ended_at=1.0, accounts=100)
    begun = scene.begun()

    with pytest.raises(CopyIncomplete, match="49 accounts"):
        scene.step("fence", measured={"beatenAt": 0.0, "accounts": 49})

    assert scene.restores.known(RUN) == begun
    assert scene.rds.worn(SOURCE) == set(GROUPS)


def test_a_cluster_that_somebody_else_left_behind_a_fence_is_known_by_what_it_wore_before(
    scene: Scene,
) -> None:
    """A workflow that ended by its time takes nothing back; another run is begun after it."""
    scene.begun("died")
    scene.step("fence", "died", **MEASURED)
    scene.let_go("died")
    scene.begun()

    scene.step("fence", **MEASURED)

    assert scene.restores.known(RUN).groups == GROUPS
    scene.step("turn", **DONE)
    assert scene.rds.worn(COPY) == set(GROUPS), "clients reach what is in service"


def test_a_cluster_whose_groups_nobody_knows_is_not_replaced(scene: Scene) -> None:
    scene.rds.add(SOURCE, OLD, QUARANTINE)
    begun = scene.begun()

    with pytest.raises(NotConfirmed, match="in quarantine already"):
        scene.step("fence", **MEASURED)

    assert scene.restores.known(RUN) == begun


def test_a_turn_is_on_record_before_the_book_is_turned(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.begun()
    scene.step("fence", **MEASURED)

    def cut(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as context:
        context.setattr("recovery.surroundings.Surroundings.lead_to", cut)
        with pytest.raises(ConnectionError):
            scene.step("turn", **DONE)

    restore = scene.restores.known(RUN)
    assert (restore.replacement, restore.turned_at) == (NEW, scene.time())
    assert (restore.accounts_erased, restore.schema_version) == (3, 7)
    assert scene.book() == SERVED
    assert scene.step("undo") == {"reached": "turned", "address": ""}
    assert scene.rds.worn(SOURCE) == {QUARANTINE}


def test_a_turn_leads_everybody_to_the_copy_and_may_be_repeated(scene: Scene) -> None:
    restore = scene.turned()
    scene.time.sleep(60)

    answer = scene.step("turn", replayed={"accounts": 0}, migrated={"schemaVersion": 0})

    assert answer == {"address": f"{COPY}.cluster:5432", "epoch": 5}
    assert scene.restores.known(RUN) == restore, "what is on record stays"
    assert scene.book() == LED
    assert scene.rds.targets == [COPY]
    assert scene.rds.worn(COPY) == set(GROUPS)
    kept = scene.rds.clusters[COPY]["TagList"]
    assert kept == [{"Key": "Project", "Value": "streamflix"}], "no run takes it away any more"


def test_before_the_fence_only_who_was_stopped_goes_on(scene: Scene) -> None:
    scene.begun()
    scene.step("pause")
    assert scene.mapping.state == "Disabled"

    assert scene.step("undo") == {"reached": "paused", "address": ""}

    assert scene.mapping.state == "Enabled"
    assert not any(scene.scaling.suspended.values())


def test_behind_the_fence_the_old_cluster_is_given_back_as_well(scene: Scene) -> None:
    scene.begun()
    scene.step("pause")
    scene.step("fence", **MEASURED)
    scene.restore("fail", error="ReplayIncomplete")

    for _ in range(2):
        assert scene.step("undo") == {"reached": "fenced", "address": f"{SOURCE}.cluster:5432"}

    assert scene.rds.worn(SOURCE) == set(GROUPS)
    assert scene.mapping.state == "Enabled"
    assert scene.restores.known(RUN).reason == "ReplayIncomplete"


def test_from_the_turn_on_nothing_is_given_back(scene: Scene) -> None:
    restore = scene.turned()
    scene.restore("fail", error="Lambda.Unknown")

    assert scene.step("undo") == {"reached": "turned", "address": ""}

    assert scene.restores.known(RUN) == restore, "it goes on"
    assert scene.mapping.state == "Disabled"
    assert scene.rds.worn(SOURCE) == {QUARANTINE}
    assert scene.book() == LED
    scene.restore("clean")
    assert COPY in scene.rds.clusters


def test_of_what_was_never_begun_nothing_is_given_back(scene: Scene) -> None:
    scene.mapping.state = "Disabled"

    assert scene.step("undo", "refused") == {"reached": "nothing", "address": ""}

    assert scene.mapping.state == "Disabled", "somebody else's cutover may have stopped it"


def test_while_another_cutover_is_at_work_nothing_of_its_is_undone(scene: Scene) -> None:
    """A run that was fenced and died is begun again beside another one, and refused."""
    scene.begun("died")
    scene.step("fence", "died", **MEASURED)
    scene.let_go("died")
    scene.begun()
    scene.step("pause")
    scene.step("fence", **MEASURED)

    with pytest.raises(EnvironmentHeld, match=RUN):
        scene.step("undo", "died")

    assert scene.mapping.state == "Disabled"
    assert scene.rds.worn(SOURCE) == {QUARANTINE}


def test_when_another_cutover_took_over_nothing_is_given_back(scene: Scene) -> None:
    scene.begun("died")
    scene.step("fence", "died", **MEASURED)
    scene.let_go("died")
    scene.turned()
    scene.let_go()

    assert scene.step("undo", "died") == {"reached": "nothing", "address": ""}
    assert scene.rds.worn(SOURCE) == {QUARANTINE}, "nobody writes to what is replaced"
    assert scene.mapping.state == "Disabled"


def test_when_another_cluster_bears_the_name_it_is_not_what_was_fenced(scene: Scene) -> None:
    scene.begun("died")
    scene.step("fence", "died", **MEASURED)
    scene.rds.add(SOURCE, NEW, "sg-of-its-own")

    assert scene.step("undo", "died")["reached"] == "nothing"
    assert scene.rds.worn(SOURCE) == {"sg-of-its-own"}


def test_what_was_lost_and_for_how_long_is_told_once_and_stays(scene: Scene) -> None:
    scene.turned()
    told = scene.step("tell")
    scene.time.sleep(600)

    assert told == {"rtoSeconds": 300.0, "rpoSeconds": 60.0}
    assert scene.step("tell") == told


def test_the_consumer_stays_stopped_until_it_is_let_go_on(scene: Scene) -> None:
    scene.turned()
    scene.step("tell")
    assert scene.mapping.state == "Disabled"

    for _ in range(2):
        assert scene.step("resume") == {}
    assert scene.mapping.state == "Enabled"


def test_the_copy_gets_as_many_readers_as_the_stack_gives_its_cluster(scene: Scene) -> None:
    scene.rds.join(SOURCE, "application-autoscaling-1")
    scene.turned()

    for _ in range(2):
        scene.step("readers")

    members = {it["DBInstanceIdentifier"] for it in scene.rds.clusters[COPY]["DBClusterMembers"]}
    assert members == {f"{COPY}-a", f"{COPY}-b"}


def test_a_cutover_is_complete_when_its_last_reader_is_there_and_stays_so(scene: Scene) -> None:
    scene.rds.join(COPY, f"{COPY}-a", DBInstanceStatus="creating")
    scene.turned()
    scene.step("tell")
    with pytest.raises(CopyNotReady, match=f"{COPY}-a is creating"):
        scene.step("readers")
    assert scene.restores.known(RUN).complete_at is None

    scene.rds.instances[f"{COPY}-a"]["DBInstanceStatus"] = "available"
    scene.step("readers")
    complete = scene.restores.known(RUN)
    assert complete.complete_at == scene.time()

    scene.time.sleep(60)
    scene.step("readers")
    scene.step("tell")
    scene.restore("fail", error="Lambda.Unknown")
    assert scene.restores.known(RUN) == complete


@pytest.mark.parametrize("step", ["pause", "fence", "turn", "resume", "readers"])
def test_no_step_works_beside_whoever_holds_the_environment(scene: Scene, step: str) -> None:
    scene.begun()
    hold.take(HOLD, "rotation", "a rotation", "a-token", lease_seconds=lease.SECONDS)

    with pytest.raises(EnvironmentHeld, match="a rotation"):
        scene.step(step, **MEASURED, **DONE)

    assert scene.mapping.state == "Enabled"
    assert scene.book() == SERVED


@pytest.mark.parametrize("event", [{}, {"step": "turn"}, {"step": "open", "run": RUN}])
def test_an_event_that_names_no_step_of_a_run_is_none(event: dict[str, str]) -> None:
    context = SimpleNamespace(**dict.fromkeys(LAMBDA, ""))
    with pytest.raises(BadTask):
        handler(event, context)  # type: ignore[arg-type]
