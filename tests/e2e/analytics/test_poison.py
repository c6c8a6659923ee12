"""A record that cannot be right ends as one pointer and holds nobody up."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.chaos_mode import Chaos
    from tests.e2e.stage import Stage

POISON: dict[str, dict[str, Any]] = {
    "NUL": {"title_id": "nul\u0000title"},
    "int4 overflow": {"position_s": 2**31},
    "3-letter country": {"country": "DEU"},
    "year 0": {"ts": "0000-01-01T00:00:00Z"},
}


def test_one_poison_record_among_a_thousand_loses_none_of_the_others(stage: Stage) -> None:
    events: list[dict[str, Any] | bytes] = [stage.event(watched_s=1) for _ in range(999)]
    events.insert(500, b'{"event_id": "trunc')

    places = stage.put(*events)
    stage.settle()

    assert stage.rollups()["watched_s"] == 999
    assert stage.pointers_to(places) == [(*places[500], "undecodable")]


@pytest.mark.parametrize("kind", POISON)
def test_poison_ends_as_one_pointer(stage: Stage, kind: str) -> None:
    places = stage.put(stage.event(), stage.event(**POISON[kind]), stage.event())
    stage.settle()

    assert stage.rollups()["watched_s"] == 20
    assert [pointer[:2] for pointer in stage.pointers_to(places)] == [places[1]]
    assert_no_lag(stage)


def test_a_stop_of_an_unknown_profile_counts_and_ends_as_one_pointer(stage: Stage) -> None:
    places = stage.put(stage.event("stop", profile_id=str(uuid.uuid4())))
    stage.settle()

    assert stage.rollups()["watched_s"] == 10
    assert stage.pointers_to(places) == [(*places[0], "unknown_profile")]
    assert_no_lag(stage)


def test_a_record_that_kills_the_consumer_is_stepped_over_within_a_minute(
    stage: Stage, chaos: Chaos
) -> None:
    key = f"same-shard-{stage.title}"
    with chaos:
        before = stage.put(stage.event(watched_s=1), key=key)
        killer = put_killer_beside(stage, before)
        stage.put(*(stage.event(watched_s=1) for _ in range(2)), key=key)
        stage.settle(within=60)

    assert stage.rollups()["watched_s"] == 3
    assert stage.pointers_to([killer]) == [(*killer, "killed_the_consumer")]
    assert_no_lag(stage)


def assert_no_lag(stage: Stage) -> None:
    """What is put now is committed within 5 seconds."""
    stage.put(stage.event())
    stage.settle(within=5)


def put_killer_beside(stage: Stage, others: list[tuple[str, int]]) -> tuple[str, int]:
    """Put the killer into the shard of the others: its partition key decides, so try some."""
    for attempt in range(64):
        key = f"chaos-exit-{attempt}"
        place = shard_of(stage, key)
        if place == others[0][0]:
            return stage.put(stage.event(watched_s=0), key=key)[0]
    raise AssertionError("no key found for that shard")


def shard_of(stage: Stage, key: str) -> str:
    """The shard that a partition key leads to (MD5 of the key within a shard's range)."""
    import hashlib

    number = int(hashlib.md5(key.encode()).hexdigest(), 16)
    shards = stage.kinesis.list_shards(StreamName=stage.outputs["KinesisStreamName"])["Shards"]
    for shard in shards:
        reach = shard["HashKeyRange"]
        if int(reach["StartingHashKey"]) <= number <= int(reach["EndingHashKey"]):
            name: str = shard["ShardId"]
            return name
    raise AssertionError("a stream covers every hash key")
