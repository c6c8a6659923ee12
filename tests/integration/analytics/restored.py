"""A stream that outlives the database: what a restore takes back, and who counts it again.

The stream is the laptop cloud's, asked over the network; the database and Redis are real.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from analytics import replay
from analytics.stream import Stream
from streamflix import settings
from tests import playback
from tests.integration.analytics.invocation import Context
from tests.integration.local.laptop import launched
from tests.playback import events

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analytics.ingest import Doors
    from tests.integration.analytics.conftest import Consumer, Table
    from tests.integration.conftest import Database, Servers

Data = playback.Event | bytes


class KilledError(BaseException):
    """The process ends here; nothing below may catch it."""


@pytest.fixture(scope="session")
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
        asked = event or {"restore": "r1"}
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
        "analytics.title_delta_0",
        "analytics.title_delta_1",
        "analytics.title_delta_2",
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
