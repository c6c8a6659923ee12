"""Playback events as a producer would send them, and what must be counted of them.

The rules of counting are restated here; none of this is the consumer's code.
"""

from __future__ import annotations

import base64
import itertools
import json
import random
import uuid
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_kinesis_agg.aggregator import RecordAggregator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STREAM_ARN = "arn:aws:kinesis:eu-central-1:000000000000:stream/streamflix-playback-test"
STREAM = "streamflix-playback-test"
SHARD = "shardId-000000000000"
NOON = datetime(2025, 11, 23, 12, 0, 30, tzinfo=UTC)

Event = dict[str, Any]
Row = tuple[str, str, str, str]

_sequences = itertools.count(49590338271490256608559692538361571095921575989136588898)


def instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def event(kind: str = "heartbeat", *, at: datetime = NOON, **changes: Any) -> Event:
    """A valid event; `changes` make it another."""
    return {
        "event_id": str(uuid.uuid4()),
        "type": kind,
        "account_id": str(uuid.uuid4()),
        "profile_id": str(uuid.uuid4()),
        "session_id": str(uuid.uuid4()),
        "title_id": "title-00042",
        "device": "tv",
        "country": "DE",
        "position_s": 600,
        "watched_s": 30,
        "bitrate_kbps": 8000,
        "rebuffer_ms": 0,
        "ts": instant(at),
        **changes,
    }


def events(count: int, seed: int = 1, at: datetime = NOON, titles: int = 40) -> list[Event]:
    """Events of the four minutes before `at`, of few titles, so that rows have company."""
    rng = random.Random(seed)
    kinds = ["heartbeat"] * 8 + ["play_start", "pause", "rebuffer", "error"]
    return [
        event(
            rng.choice(kinds),
            at=at - timedelta(seconds=rng.randrange(240)),
            title_id=f"title-{int(titles * rng.random() ** 3):05d}",
            device=rng.choice(["tv", "mobile", "tablet", "web", "console", "stick"]),
            country=rng.choice(["DE", "FR", "IT", "PL", "SE"]),
            watched_s=rng.randrange(31),
            rebuffer_ms=rng.choice([0, 0, 0, 700]),
        )
        for _ in range(count)
    ]


def payload(what: Event | bytes) -> bytes:
    return what if isinstance(what, bytes) else json.dumps(what).encode()


def aggregated(items: Iterable[Event | bytes]) -> bytes:
    """One record's data, packed by AWS's own library."""
    aggregator = RecordAggregator()
    for item in items:
        assert aggregator.add_user_record("key", payload(item)) is None, "more than one record"
    data: bytes = aggregator.clear_and_get().get_contents()[2]
    return data


def record(data: Event | bytes, *, arrival: datetime = NOON, shard: str = SHARD) -> Event:
    """One record of a Lambda event; each has a higher sequence number than the one before."""
    sequence = next(_sequences)
    return {
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/none",
        "awsRegion": "eu-central-1",
        "eventSourceARN": STREAM_ARN,
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "key",
            "sequenceNumber": str(sequence),
            "data": base64.b64encode(payload(data)).decode(),
            "approximateArrivalTimestamp": arrival.timestamp(),
        },
    }


def batch(records: Sequence[Event]) -> Event:
    return {"Records": list(records)}


def plain(items: Iterable[Event | bytes], **keywords: Any) -> list[Event]:
    return [record(item, **keywords) for item in items]


def packed(items: Sequence[Event | bytes], per: int = 20, **keywords: Any) -> list[Event]:
    return [
        record(aggregated(items[start : start + per]), **keywords)
        for start in range(0, len(items), per)
    ]


def expected_rows(valid: Iterable[Event]) -> dict[Row, tuple[int, int, int, int]]:
    """Plays, watched seconds, rebuffered milliseconds and errors; each event_id counts once."""
    sums: dict[Row, Counter[str]] = defaultdict(Counter)
    for item in {item["event_id"]: item for item in valid}.values():
        row = (item["ts"][:16], item["title_id"], item["country"], item["device"])
        sums[row].update(
            plays=item["type"] == "play_start",
            watched=item["watched_s"],
            stalled=item["rebuffer_ms"],
            errors=item["type"] == "error",
        )
    return {row: (s["plays"], s["watched"], s["stalled"], s["errors"]) for row, s in sums.items()}


def pointer(of: Event, reason: str, subsequence: int | None = None) -> tuple[str, int | None, str]:
    return of["kinesis"]["sequenceNumber"], subsequence, reason
