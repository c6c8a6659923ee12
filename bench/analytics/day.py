"""The events that everybody counts: 5,000 titles by Zipf, 200,000 viewers, 384 bytes of JSON each.

Every seed gives the same events in every process. What must come of them is computed here by rules
that share no code with anybody who is measured.
"""

from __future__ import annotations

import base64
import bisect
import hashlib
import itertools
import json
import math
import random
import uuid
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Event = dict[str, Any]

TITLES: Final = 5_000
VIEWERS: Final = 200_000
STOPPING: Final = 2_000
"""Only these stop, so that few accounts must exist."""
PER_SECOND: Final = 6_000
BATCH_S: Final = 2
"""So far apart batches begin: twenty of them lie in one minute, as if two shards had sent them."""
NOON: Final = datetime(2025, 11, 23, 12, tzinfo=UTC)
KINDS: Final = ("heartbeat", "play_start", "stop", "pause", "rebuffer", "error")
SHARES: Final = (88, 3, 2, 3, 2, 2)
DEVICES: Final = ("tv", "mobile", "tablet", "web", "console", "stick")
COUNTRIES: Final = tuple(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)
STREAM_ARN: Final = "arn:aws:kinesis:eu-central-1:000000000000:stream/streamflix-playback-test"
SHARDS: Final = 345
_POPULARITY: Final = list(itertools.accumulate(1 / rank for rank in range(1, TITLES + 1)))


def _of_one_shard() -> tuple[Sequence[int], list[float]]:
    """The titles of one shard of many, and how popular each is there, added up."""
    found = {}
    for rank in range(TITLES):
        share = 1 / (rank + 1) / _POPULARITY[-1]
        salts = math.ceil(share * SHARDS)  # as many as it would fill shards
        here = sum(_number(f"{rank}#{salt}") % SHARDS == 0 for salt in range(salts))
        if here:
            found[rank] = share * here / salts
    return list(found), list(itertools.accumulate(found.values()))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest(), "big")


_SHARD: Final = _of_one_shard()


def account(number: int) -> str:
    return _id(f"account {number}")


def profile(number: int) -> str:
    return _id(f"profile {number}")


def events(count: int, seed: int, keyed: str = "viewer", shard: int = 0) -> list[Event]:
    """Of one shard, in the order of their time, which begins at noon for the first seed.

    `keyed` says what producers made the partition key of: ``viewer``, so that a shard sees every
    title, or ``title``, with as many salts as it would fill shards: then a shard sees few.
    """
    rng = random.Random(seed + 1_000_000 * shard)
    began = NOON + timedelta(seconds=seed * BATCH_S)
    ranks, weights = _SHARD if keyed == "title" else (range(TITLES), _POPULARITY)
    return [
        _event(rng, began + timedelta(seconds=n / PER_SECOND), _chosen(rng, ranks, weights))
        for n in range(count)
    ]


def invocation(items: Sequence[Event], shard: str, per_record: int = 1) -> bytes:
    """The event that Lambda hands over, as JSON; several events a record are KPL aggregates."""
    parts = [json.dumps(item, separators=(",", ":")).encode() for item in items]
    first = _sequence(items[0])
    arrival = (NOON + timedelta(minutes=30)).timestamp()
    data = parts if per_record == 1 else [*_aggregated(parts, per_record)]
    records = [
        {
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard}:{first + number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::000000000000:role/streamflix-analytics-consume",
            "awsRegion": "eu-central-1",
            "eventSourceARN": STREAM_ARN,
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": str(number % 997),
                "sequenceNumber": str(first + number),
                "data": base64.b64encode(each).decode(),
                "approximateArrivalTimestamp": arrival,
            },
        }
        for number, each in enumerate(data)
    ]
    return json.dumps({"Records": records}).encode()


def digest(rows: Iterable[tuple[Any, ...]]) -> str:
    """Of ``(minute as 2025-11-23T12:00, title, country, device, plays, watched_s, rebuffer_ms,
    errors)``, in any order."""
    lines = sorted("\t".join(map(str, row)) for row in rows)
    return hashlib.md5("\n".join(lines).encode(), usedforsecurity=False).hexdigest()


def expected(items: Iterable[Event]) -> list[tuple[Any, ...]]:
    sums: dict[tuple[str, str, str, str], Counter[str]] = defaultdict(Counter)
    for item in items:
        cell = sums[item["ts"][:16], item["title_id"], item["country"], item["device"]]
        cell["plays"] += item["type"] == "play_start"
        cell["watched"] += item["watched_s"]
        cell["rebuffered"] += item["rebuffer_ms"]
        cell["errors"] += item["type"] == "error"
    return [
        (*cell, it["plays"], it["watched"], it["rebuffered"], it["errors"])
        for cell, it in sums.items()
    ]


def _chosen(rng: random.Random, ranks: Sequence[int], weights: list[float]) -> int:
    return ranks[bisect.bisect(weights, rng.random() * weights[-1])]


def _event(rng: random.Random, at: datetime, rank: int) -> Event:
    kind = rng.choices(KINDS, SHARES)[0]
    viewer = rng.randrange(STOPPING if kind == "stop" else VIEWERS)
    return {
        "event_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "type": kind,
        "account_id": account(viewer),
        "profile_id": profile(viewer),
        "session_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "title_id": f"title-{rank:05d}",
        "device": DEVICES[viewer % len(DEVICES)],
        "country": COUNTRIES[viewer % len(COUNTRIES)],
        "position_s": rng.randrange(7200),
        "watched_s": rng.randrange(31),
        "bitrate_kbps": 8000,
        "rebuffer_ms": rng.choice((0, 0, 0, 700)),
        "ts": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
    }


def _id(text: str) -> str:
    return str(uuid.UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()))


def _sequence(item: Event) -> int:
    """Sequence numbers of a shard grow with time."""
    at = datetime.fromisoformat(item["ts"]) - NOON
    return 49590338271490256608559692538361571095921575989136588898 + int(
        at.total_seconds() * 1_000_000
    )


def _aggregated(parts: Sequence[bytes], per_record: int) -> Iterable[bytes]:
    from aws_kinesis_agg.aggregator import RecordAggregator

    for start in range(0, len(parts), per_record):
        aggregator = RecordAggregator()
        for part in parts[start : start + per_record]:
            assert aggregator.add_user_record("key", part) is None, "more than one record"
        data: bytes = aggregator.clear_and_get().get_contents()[2]
        yield data
