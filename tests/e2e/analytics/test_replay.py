"""What the consumer is not handed is counted by a replay, and by nobody twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.restore import Restore
    from tests.e2e.stage import Stage


def test_what_the_mapping_did_not_deliver_is_counted_once(stage: Stage, restore: Restore) -> None:
    stage.put(*(stage.event(watched_s=1) for _ in range(20)))
    stage.settle()
    with restore.without_mapping():
        places = stage.put(*(stage.event(watched_s=1) for _ in range(300)), b"{")
        told = restore.replay()

        assert told["done"], told
        assert stage.rollups()["watched_s"] == 320
        before, marks = stage.table(), stage.watermarks()
        assert restore.replay()["ingested"] == 0
        assert (stage.table(), stage.watermarks()) == (before, marks)

    stage.put(stage.event(watched_s=1))
    stage.settle()
    assert stage.rollups()["watched_s"] == 321
    assert stage.pointers_to(places) == [(*places[-1], "undecodable")]


def test_beside_a_consumer_at_work_it_changes_nothing(stage: Stage, restore: Restore) -> None:
    stage.put(*(stage.event("play_start", watched_s=1) for _ in range(100)))
    first = restore.replay()
    stage.settle()
    before = stage.table()

    told = restore.replay()

    assert first["done"], first
    assert told["done"], told
    assert (told["ingested"], told["gap"]) == (0, 0)
    assert stage.table() == before
    assert stage.rollups()["plays"] == 100


def test_who_names_no_restore_is_refused(restore: Restore) -> None:
    assert restore.call(task="stop")["errorType"] == "BadTask"
