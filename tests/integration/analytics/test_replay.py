"""What lies between a restored watermark and the tip of the stream is counted once.

The stream is the laptop cloud's, asked over the network; the database and Redis are real.
"""

from __future__ import annotations

import base64
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from analytics import catchup, ingest, replay, store
from analytics import stream as reading
from analytics.errors import BadTask
from analytics.stream import Stream
from streamflix import settings
from streamflix.errors import DatabaseUnreachable, DataRefused, EpochMoved
from tests import playback
from tests.integration.analytics.conftest import Context
from tests.integration.local.laptop import launched
from tests.playback import event, events, expected_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analytics.ingest import Doors
    from tests.integration.analytics.conftest import Cloud, Consumer, Table
    from tests.integration.conftest import Database, Servers

Data = playback.Event | bytes


class KilledError(BaseException):
    """The process ends here; nothing below may catch it."""


@pytest.fixture(scope="module")
def kinesis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with launched(tmp_path_factory.mktemp("laptop")) as laptop:
        yield laptop.client("kinesis")


@dataclass
class Source:
    """A stream, and what Lambda would have handed to the consumer of it."""

    kinesis: Any
    name: str = field(default_factory=lambda: f"playback-{uuid.uuid4().hex[:8]}")
    checkpoints: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:kinesis:eu-central-1:000000000000:stream/{self.name}"

    def put(self, datas: Sequence[Data], key: str = "") -> list[str]:
        """Put records, spread over the shards, or all into the one that `key` leads to; the same
        event again into the same. Returns the sequence number of each."""
        records = [
            {
                "Data": playback.payload(data),
                "PartitionKey": key
                or (f"key-{n}" if isinstance(data, bytes) else data["event_id"]),
            }
            for n, data in enumerate(datas)
        ]
        sequences = []
        for start in range(0, len(records), 500):
            answer = self.kinesis.put_records(
                StreamName=self.name, Records=records[start : start + 500]
            )
            sequences += [each["SequenceNumber"] for each in answer["Records"]]
        return sequences

    def shards(self) -> list[str]:
        listed = self.kinesis.list_shards(StreamName=self.name)["Shards"]
        return [shard["ShardId"] for shard in listed]

    def unread(self, *, again: bool = False) -> list[playback.Event]:
        """A batch per shard of what follows the checkpoint, which moves; or of everything."""
        batches = []
        for shard in self.shards():
            place: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
            if not again and shard in self.checkpoints:
                place = {
                    "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                    "StartingSequenceNumber": self.checkpoints[shard],
                }
            iterator = self.kinesis.get_shard_iterator(
                StreamName=self.name, ShardId=shard, **place
            )["ShardIterator"]
            if records := self.kinesis.get_records(ShardIterator=iterator)["Records"]:
                self.checkpoints[shard] = records[-1]["SequenceNumber"]
                batches.append(playback.batch([self._delivered(shard, it) for it in records]))
        return batches

    def _delivered(self, shard: str, record: dict[str, Any]) -> playback.Event:
        return {
            "eventID": f"{shard}:{record['SequenceNumber']}",
            "eventSourceARN": self.arn,
            "kinesis": {
                "sequenceNumber": record["SequenceNumber"],
                "data": base64.b64encode(record["Data"]).decode(),
                "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
            },
        }


@pytest.fixture
def source(kinesis: Any) -> Iterator[Source]:
    source = Source(kinesis)
    kinesis.create_stream(StreamName=source.name, ShardCount=2)
    yield source
    kinesis.delete_stream(StreamName=source.name)


@dataclass
class Replay:
    """The handler, as the restore workflow calls it."""

    processes: list[Doors] = field(default_factory=list)

    def __call__(self, seconds: float = 20, **event: str) -> dict[str, Any]:
        asked = event or {"task": "replay", "restore": "r1"}
        told: dict[str, Any] = replay.handler(asked, Context(int(seconds * 1000)))
        return told


@pytest.fixture
def call(
    consumer: Consumer, source: Source, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Replay]:
    monkeypatch.setenv("STREAM_ARN", source.arn)
    monkeypatch.setattr(replay, "stream", lambda env: Stream(env.stream_arn, source.kinesis))
    real, call = replay.doors.__wrapped__, Replay()

    @cache
    def doors(env: Any) -> Doors:
        made: Doors = real(env, ca_file=servers.ca)
        call.processes.append(made)
        return made

    monkeypatch.setattr(replay, "doors", doors)
    settings.cached.cache_clear()
    yield call
    for process in call.processes:
        process.store._postgres.close()
        viewers: Any = process.viewers
        viewers._viewers._redis.close()


TABLES = {
    "analytics_owner": (
        "analytics.title_minute",
        "analytics.shard_watermark",
        "analytics.attempt",
    ),
    "app_owner": ("app.watch_history",),
}


@dataclass
class Copy:
    """What a restore brings back: the tables of analytics as they were."""

    database: Database
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def take(self) -> None:
        for role, tables in TABLES.items():
            for table in tables:
                self.rows[table] = self.database.rows(role, f"SELECT * FROM {table}")

    def restore(self) -> None:
        for role, tables in TABLES.items():
            with self.database.master(role) as cursor:
                for table in tables:
                    cursor.execute(f"TRUNCATE {table}")
                    for row in self.rows[table]:
                        holes = ", ".join(["%s"] * len(row))
                        cursor.execute(f"INSERT INTO {table} VALUES ({holes})", row)


@pytest.fixture
def copy(database: Database) -> Copy:
    return Copy(database)


def now() -> datetime:
    return datetime.now(UTC)


def packed(items: Sequence[Data], per: int = 7) -> list[bytes]:
    return [playback.aggregated(items[n : n + per]) for n in range(0, len(items), per)]


def consume(consumer: Consumer, source: Source, *, again: bool = False) -> None:
    for one in source.unread(again=again):
        consumer(one)


@pytest.fixture
def lost(
    consumer: Consumer, source: Source, copy: Copy, call: Replay, table: Table
) -> list[playback.Event]:
    """Events of an hour, most of them counted and then taken back by a restore; all of them."""
    items = events(900, at=now())
    source.put([*packed(items[:200]), *items[200:300]])
    consume(consumer, source)
    copy.take()
    # Some again, which the watermark's row remembers; aggregates and plain records.
    source.put([*items[290:300], *packed(items[300:700]), *items[700:800]])
    consume(consumer, source)
    copy.restore()
    source.put(packed(items[800:]))  # came while the mapping was disabled
    return items


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


def test_a_crash_between_two_batches_loses_nothing(
    call: Replay,
    table: Table,
    lost: list[playback.Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "RECORDS_PER_READ", 30)
    counted = dies_at(monkeypatch, (catchup._Replay, "_ingest"), 3)

    with pytest.raises(KilledError):
        call()

    assert len(counted) >= 3
    assert expected_rows(lost[:300]) != table.rows() != expected_rows(lost)
    assert call()["done"]
    assert table.rows() == expected_rows(lost)


@pytest.mark.parametrize("at", [(store, "_copy"), (store, "sift"), (ingest, "decode")])
def test_a_crash_within_a_batch_makes_the_next_one_go_record_by_record(
    call: Replay,
    table: Table,
    lost: list[playback.Event],
    monkeypatch: pytest.MonkeyPatch,
    at: tuple[Any, str],
) -> None:
    dies_at(monkeypatch, at, 1)
    with pytest.raises(KilledError):
        call()
    begun = table.attempts()
    assert begun
    assert set(begun) == {1}

    alone = spied(monkeypatch, (catchup._Replay, "_count_alone"))
    assert call()["done"]

    assert len(alone) > 30
    assert table.rows() == expected_rows(lost)
    assert table.attempts() == []


def test_a_record_that_kills_the_replay_is_stepped_over_by_the_fifth(
    call: Replay,
    table: Table,
    lost: list[playback.Event],
    source: Source,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killer = source.put([b"kills"])[0]
    more = events(40, seed=3, at=now())
    source.put(more)
    real = ingest.decode

    def decode(records: Any) -> Any:
        if any(record.data == b"kills" for record in records):
            raise KilledError
        return real(records)

    monkeypatch.setattr(ingest, "decode", decode)
    for _ in range(4):
        with pytest.raises(KilledError):
            call()

    told = call()

    assert told["done"]
    assert cloud.pointers() == [(killer, None, "killed_the_consumer")]
    assert table.rows() == expected_rows(lost + more)
    assert table.attempts() == []


def test_a_batch_that_the_database_refuses_as_a_whole_goes_record_by_record(
    call: Replay, table: Table, lost: list[playback.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.Store.apply

    def apply(self: Any, batch: Any, *rest: Any) -> Any:
        if len(batch.records) > 1:
            raise DataRefused("23514 of something that is checked at the end")
        return real(self, batch, *rest)

    monkeypatch.setattr(store.Store, "apply", apply)

    assert call()["done"]
    assert table.rows() == expected_rows(lost)
    assert table.attempts() == []


def test_an_outage_is_no_records_fault_and_the_next_replay_goes_on(
    call: Replay, table: Table, lost: list[playback.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, away = store.Store.apply, threading.Event()

    def apply(self: Any, *what: Any) -> Any:
        if away.is_set():
            raise DatabaseUnreachable("away")
        return real(self, *what)

    monkeypatch.setattr(store.Store, "apply", apply)
    away.set()
    with pytest.raises(DatabaseUnreachable):
        call(seconds=1)
    assert table.attempts() == []
    assert table.rows() == expected_rows(lost[:300])

    away.clear()
    call()

    assert table.rows() == expected_rows(lost)


def test_a_replay_whose_time_is_used_up_says_so_and_the_next_one_goes_on(
    call: Replay, table: Table, lost: list[playback.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five reads a second and shard: a second is too short for a shard's 90 records."""
    monkeypatch.setattr(reading, "RECORDS_PER_READ", 10)

    told = [call(seconds=1)]
    while not told[-1]["done"] and len(told) < 20:
        told.append(call(seconds=1))

    assert not told[0]["done"]
    assert told[0]["shards"] < 2
    assert told[0]["ingested"] > 0
    assert told[0]["behindSeconds"] > 0
    assert sum(each["ingested"] for each in told) == 600
    assert table.rows() == expected_rows(lost)


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
    with pytest.raises(EpochMoved):
        call(seconds=1, task="still")

    assert table.everything() == before
    cloud.note("epoch", "1")
    call()
    assert table.rows() == expected_rows(lost)


def test_a_process_that_knew_the_database_before_the_cutover_asks_the_address_book_again(
    call: Replay, table: Table, lost: list[playback.Event], cloud: Cloud, database: Database
) -> None:
    call(task="still")
    cloud.note("epoch", "2")
    database.do("ops_owner", "UPDATE ops.epoch SET epoch = 2")
    try:
        assert call()["done"]
    finally:
        database.do("ops_owner", "UPDATE ops.epoch SET epoch = 1")
    assert table.rows() == expected_rows(lost)


def test_a_stream_of_which_nothing_was_counted_has_stood_still_since_1970(call: Replay) -> None:
    told = call(task="still")

    assert told["newest"] == "1970-01-01T00:00:00.000000Z"
    assert told["stillSeconds"] > 1_700_000_000


def test_the_watermarks_stand_still_from_the_last_batch_on(
    call: Replay, consumer: Consumer, source: Source, table: Table, database: Database
) -> None:
    source.put(events(20, at=now()))
    consume(consumer, source)
    (newest,) = database.rows(
        "analytics_rw", "SELECT max(updated_at) FROM analytics.shard_watermark"
    )

    first = call(task="still")
    second = call(task="still")

    assert datetime.fromisoformat(first["newest"]) == newest[0]
    assert 0 < first["stillSeconds"] < second["stillSeconds"] < 20
    source.put(events(5, seed=4, at=now()))
    consume(consumer, source)
    assert call(task="still")["newest"] > first["newest"]


@pytest.mark.parametrize(
    "asked", [{}, {"task": "stop"}, {"task": "replay"}, {"task": "replay", "restore": "a b"}]
)
def test_what_is_no_task_is_refused(call: Replay, asked: dict[str, str]) -> None:
    with pytest.raises(BadTask):
        replay.handler(asked, Context())


def dies_at(
    monkeypatch: pytest.MonkeyPatch, at: tuple[Any, str], nth: int
) -> list[tuple[Any, ...]]:
    """Let the nth call of a function end the process, once. Returns its calls as they come."""
    real, calls = getattr(*at), list[Any]()

    def dying(*what: Any) -> Any:
        calls.append(what)
        if len(calls) == nth:
            raise KilledError
        return real(*what)

    monkeypatch.setattr(*at, dying)
    return calls


def spied(monkeypatch: pytest.MonkeyPatch, at: tuple[Any, str]) -> list[tuple[Any, ...]]:
    return dies_at(monkeypatch, at, 0)
