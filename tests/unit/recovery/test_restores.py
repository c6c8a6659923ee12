"""A run on record: how far it is, who may say so, what it is called."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from recovery.errors import CopyIncomplete, NotConfirmed, Overtaken, TakenBack
from recovery.restores import (
    ADOPTED,
    BEGUN,
    COMPLETE,
    ENDED,
    FENCED,
    TURNED,
    Restore,
    Restores,
    refuse_failed,
    refuse_shrunk,
    refuse_turned,
)

if TYPE_CHECKING:
    from recovery.table import Table

RUN = Restore("run", "cutover", 1_000.0, "streamflix-aurora-dev-r1", replaced="cluster-OLD")
# What each step puts on record, in their order.
STEPS: list[tuple[int, dict[str, Any]]] = [
    (FENCED, {"fenced_at": 1_010.0, "groups": ("sg-a",), "epoch": 2}),
    (TURNED, {"turned_at": 1_020.0, "replacement": "cluster-NEW"}),
    (ENDED, {"outcome": "passed", "ended_at": 1_030.0}),
    (COMPLETE, {"complete_at": 1_040.0}),
    (ADOPTED, {"adopted_at": 1_050.0}),
]


@pytest.fixture
def restores(table: Table) -> Restores:
    return Restores(table)


def advanced(restores: Restores, stage: int) -> Restore:
    restore = restores.begin(RUN)
    for step, changes in STEPS:
        if step <= stage:
            restore = restores.advance(restore, step, **changes)
    return restore


@pytest.mark.parametrize("stage", [BEGUN, *(step for step, _ in STEPS)])
def test_a_run_is_read_as_it_was_put_and_says_how_far_it_is(restores: Restores, stage: int) -> None:
    restore = advanced(restores, stage)

    assert restores.of("run") == restore
    assert restore.stage == stage
    assert restore.waits_for_adoption is (stage in (TURNED, ENDED, COMPLETE))
    assert (restores.unadopted() == restore) is restore.waits_for_adoption


def test_a_stage_is_put_once_and_never_an_earlier_one_over_it(restores: Restores) -> None:
    turned = advanced(restores, TURNED)

    assert restores.begin(replace(RUN, started_at=9.0)) == turned
    assert restores.advance(turned, FENCED, epoch=9) == turned
    assert restores.advance(turned, TURNED, replacement="another") == turned
    assert restores.of("run") == turned


def test_who_saw_an_earlier_stage_does_not_undo_a_later_one(restores: Restores) -> None:
    """Two executions of one run: one gives up with what it has read before the other has turned."""
    seen = advanced(restores, FENCED)
    turned = restores.advance(seen, TURNED, turned_at=1_020.0, replacement="cluster-NEW")

    stays = restores.end(seen, outcome="failed", reason="Lambda.Unknown")

    assert stays == turned == restores.of("run")
    assert restores.unadopted() == turned


def test_how_it_ended_is_put_once(restores: Restores) -> None:
    failed = restores.end(restores.begin(RUN), outcome="failed", reason="NoLuck")

    assert restores.end(failed, outcome="passed", reason="") == failed
    assert restores.advance(failed, TURNED, turned_at=1.0) == failed
    assert failed.waits_for_adoption is False
    with pytest.raises(TakenBack, match=r"^run$"):
        refuse_failed(failed)


@pytest.mark.parametrize("stage", [BEGUN, *(step for step, _ in STEPS)])
def test_from_its_turn_on_a_run_is_beyond_what_comes_before(restores: Restores, stage: int) -> None:
    restore = advanced(restores, stage)

    if stage < TURNED:
        refuse_turned(restore)
        return
    with pytest.raises(Overtaken, match=r"^run$"):
        refuse_turned(restore)


def test_a_run_that_nobody_began_is_not_known(restores: Restores) -> None:
    assert restores.of("run") is None
    with pytest.raises(NotConfirmed, match="no restore was begun under run"):
        restores.known("run")


def test_a_replaced_cluster_is_called_after_the_copy_that_took_its_name() -> None:
    assert RUN.aside_name("streamflix-aurora-dev") == "streamflix-aurora-dev-q1"
    odd = replace(RUN, copy="streamflix-aurora-dev-r-rest-r2")
    assert odd.aside_name("streamflix-aurora-dev-r-rest") == "streamflix-aurora-dev-r-rest-q2"


def test_what_is_lost_is_what_was_written_between_the_last_beat_and_the_time_asked_for() -> None:
    assert RUN.missing(940.5) == 59.5
    assert replace(RUN, target_at=950.0).missing(940.5) == 9.5
    assert RUN.missing(1_000.5) == 0.0


def passed(restores: Restores, run: str, ended_at: float, accounts: int) -> None:
    begun = restores.begin(replace(RUN, run=run))
    restores.end(begun, outcome="passed", ended_at=ended_at, accounts=accounts)


def test_a_copy_that_lost_more_than_half_since_the_last_that_passed_is_refused(
    restores: Restores,
) -> None:
    refuse_shrunk(0, restores)  # nobody knows better
    # Names do not sort as times do: the schedule's are random.
    passed(restores, "zz", 2_000.0, 10)
    passed(restores, "aa", 3_000.0, 100)

    refuse_shrunk(50, restores)
    with pytest.raises(CopyIncomplete, match=r"^49 accounts; the drill before had 100"):
        refuse_shrunk(49, restores)


def test_what_failed_is_no_measure(restores: Restores) -> None:
    restores.end(restores.begin(RUN), outcome="failed", ended_at=5_000.0, accounts=100)

    refuse_shrunk(1, restores)
    assert restores.known("run").accounts == 100
