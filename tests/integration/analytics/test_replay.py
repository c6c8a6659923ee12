"""What lies between a restored watermark and the tip of the stream is counted once.

The stream is the laptop cloud's, asked over the network; the database and Redis are real.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from analytics import replay
from analytics.errors import BadTask
from analytics.stream import Stream
from streamflix.errors import EpochMoved
from tests.integration.analytics.invocation import Context
from tests.integration.analytics.restored import (
    Copy,
    Replay,
    Source,
    consume,
    now,
    packed,
)
from tests.playback import event, events, expected_rows

if TYPE_CHECKING:
    from tests import playback
    from tests.integration.analytics.conftest import Cloud, Consumer, Table
    from tests.integration.conftest import Database


def test_what_the_restore_took_back_is_counted_once_and_a_second_replay_changes_nothing(
    call: Replay, table: Table, lost: list[playback.Event], source: Source
) -> None:
    assert table.rows() != expected_rows(lost)

    told = call()

    assert table.rows() == expected_rows(lost)
    assert told["ingested"] == 600
    assert {name: told[name] for name in ("done", "duplicates", "rejected", "shards", "gap")} == {
        "done": True,
        "duplicates": 10,
        "rejected": 0,
        "shards": 2,
        "gap": 0,
    }
    before = table.everything()
    assert call() == {
        "done": True,
        "records": 0,
        "ingested": 0,
        "duplicates": 0,
        "rejected": 0,
        "shards": 2,
        "gap": 0,
        "behindSeconds": 0.0,
    }
    assert table.everything() == before
    assert set(table.watermarks()) == set(source.shards())


def test_without_a_replay_the_consumer_would_never_see_them_again(
    consumer: Consumer, table: Table, lost: list[playback.Event], source: Source
) -> None:
    """What the replay is for: Lambda goes on from its checkpoint."""
    consume(consumer, source)

    assert table.rows() == expected_rows(lost[:300] + lost[800:])


def test_what_the_mapping_delivers_after_the_replay_changes_nothing(
    call: Replay,
    consumer: Consumer,
    table: Table,
    lost: list[playback.Event],
    source: Source,
    cloud: Cloud,
) -> None:
    call()
    before = table.everything()

    consume(consumer, source)
    consume(consumer, source, again=True)

    assert table.everything() == before
    more = events(50, seed=2, at=now())
    source.put(more)
    consume(consumer, source)
    assert table.rows() == expected_rows(lost + more)
    assert cloud.pointers() == []


def test_a_stream_that_was_resharded_is_read_parents_first(
    call: Replay, consumer: Consumer, table: Table, source: Source, copy: Copy
) -> None:
    items = events(600, at=now())
    source.put(items[:100])
    consume(consumer, source)
    copy.take()
    source.put(packed(items[100:300]))
    parents = source.shards()
    source.kinesis.update_shard_count(
        StreamName=source.name, TargetShardCount=4, ScalingType="UNIFORM_SCALING"
    )
    source.put(packed(items[300:500]))
    source.kinesis.merge_shards(
        StreamName=source.name,
        ShardToMerge="shardId-000000000002",
        AdjacentShardToMerge="shardId-000000000003",
    )
    source.put(items[500:])
    consume(consumer, source)
    copy.restore()
    generations = Stream(source.arn, source.kinesis).generations()
    assert [len(each) for each in generations] == [2, 4, 1]
    assert generations[0] == parents

    told = call()

    assert (told["done"], told["shards"], told["gap"]) == (True, 7, 0)
    assert table.rows() == expected_rows(items)
    before = table.everything()
    consume(consumer, source, again=True)
    assert table.everything() == before


def test_poison_between_the_two_becomes_a_pointer_and_loses_nothing_else(
    call: Replay, consumer: Consumer, table: Table, source: Source, copy: Copy, cloud: Cloud
) -> None:
    items = events(120, at=now())
    source.put(items[:20])
    consume(consumer, source)
    copy.take()
    bad = [b'{"event_id": "trunc', event(at=now(), country="ZZ9"), event("stop", at=now())]
    places = source.put([*items[20:70], *bad, *items[70:]], key="one")
    consume(consumer, source)
    poison = {
        (places[50], None, "undecodable"),
        (places[51], None, "invalid"),
        (places[52], None, "unknown_profile"),
    }
    assert set(cloud.pointers()) == poison
    copy.restore()

    told = call()

    assert told["rejected"] == 3
    assert cloud.pointers() == sorted(poison, key=str)
    assert table.rows() == expected_rows([*items, bad[2]])
    assert call()["rejected"] == 0
    assert cloud.pointers() == []


def test_a_watermark_older_than_the_stream_is_told(
    call: Replay, consumer: Consumer, table: Table, source: Source, database: Database
) -> None:
    items = events(60, at=now())
    source.put(items)
    database.do(
        "analytics_owner",
        "INSERT INTO analytics.shard_watermark (stream, shard, sequence) VALUES (%s, %s, 4711)",
        (source.name, source.shards()[0]),
    )

    assert call()["gap"] == 1

    assert table.rows() == expected_rows(items)
    assert call()["gap"] == 0


def test_a_consumer_at_work_and_a_replay_count_once_between_them(
    call: Replay, consumer: Consumer, table: Table, lost: list[playback.Event], source: Source
) -> None:
    everything = source.unread(again=True)
    done = threading.Thread(target=call)
    done.start()
    for one in everything:
        consumer(one)
    done.join(20)
    call()

    assert table.rows() == expected_rows(lost)


def test_stops_that_the_restore_took_back_are_history_again(
    call: Replay, consumer: Consumer, table: Table, source: Source, copy: Copy
) -> None:
    person = {name: event()[name] for name in ("account_id", "profile_id", "session_id")}
    table.add_profile(person["profile_id"], person["account_id"])
    moment = now() - timedelta(minutes=1)
    source.put([event("stop", at=moment, position_s=1, **person)])
    consume(consumer, source)
    copy.take()
    source.put([event("stop", at=now(), position_s=2, **person)])
    consume(consumer, source)
    before = table.history()
    copy.restore()
    assert table.history() != before

    call()

    assert table.history() == before


def test_nothing_is_counted_into_a_database_that_the_address_book_does_not_mean(
    call: Replay, table: Table, lost: list[playback.Event], cloud: Cloud
) -> None:
    before = table.everything()
    cloud.note("epoch", "2")

    with pytest.raises(EpochMoved):
        call(seconds=1)

    assert table.everything() == before
    cloud.note("epoch", "1")
    call()
    assert table.rows() == expected_rows(lost)


def test_a_process_that_knew_the_database_before_the_cutover_asks_the_address_book_again(
    call: Replay, table: Table, lost: list[playback.Event], cloud: Cloud, database: Database
) -> None:
    call()
    cloud.note("epoch", "2")
    database.do("ops_owner", "UPDATE ops.epoch SET epoch = 2")
    try:
        assert call()["done"]
    finally:
        database.do("ops_owner", "UPDATE ops.epoch SET epoch = 1")
    assert table.rows() == expected_rows(lost)


def test_while_events_are_counted_again_the_replay_alone_may_count(
    call: Replay,
    consumer: Consumer,
    source: Source,
    table: Table,
    lost: list[playback.Event],
    database: Database,
) -> None:
    """A consumer that had begun before the restore holds a batch from beyond the gap."""
    later = events(20, seed=9, at=now())
    source.put(later)
    held, before = source.unread(), table.everything()
    database.do("ops_owner", "UPDATE ops.epoch SET recounting = true")
    try:
        for one in held:
            with pytest.raises(EpochMoved, match="counted again"):
                consumer(one, seconds=1)
        assert table.everything() == before
        assert call()["done"]
    finally:
        database.do("ops_owner", "UPDATE ops.epoch SET recounting = false")

    for one in held:  # as Lambda hands it over until it is taken
        consumer(one)

    assert table.rows() == expected_rows([*lost, *later])


@pytest.mark.parametrize("asked", [{}, {"task": "still"}, {"restore": ""}, {"restore": "a b"}])
def test_what_is_no_task_is_refused(call: Replay, asked: dict[str, str]) -> None:
    with pytest.raises(BadTask):
        replay.handler(asked, Context())
