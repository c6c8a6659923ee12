"""What others would write: per record, by Powertools, as a careful engineer, and with bytewax.

They count less than the consumer does: no watermark, no duplicates by id, no history, nobody is
left out. All write the same rows and the same HyperLogLogs per minute.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.analytics.sample import Place

UPSERT = """
INSERT INTO analytics.title_minute AS total
       (minute, title_id, country, device, plays, watched_s, rebuffer_ms, errors)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (minute, title_id, country, device) DO UPDATE
   SET plays = total.plays + excluded.plays, watched_s = total.watched_s + excluded.watched_s,
       rebuffer_ms = total.rebuffer_ms + excluded.rebuffer_ms,
       errors = total.errors + excluded.errors
"""
UNNEST = UPSERT.replace(
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
    "SELECT * FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::text[],"
    " %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])",
)


class Naive:
    """json.loads, an upsert for each record, one commit a batch."""

    def __init__(self, place: Place) -> None:
        self._connection, self._redis = place.postgres(), place.redis()

    def handle(self, event: Mapping[str, Any]) -> None:
        pipeline = self._redis.pipeline()
        with self._connection, self._connection.cursor() as cursor:
            for record in event["Records"]:
                item = json.loads(base64.b64decode(record["kinesis"]["data"]))
                minute = item["ts"][:16] + "Z"
                cursor.execute(UPSERT, _row(minute, item))
                pipeline.pfadd(f"live:{minute}", item["account_id"])
        pipeline.execute()


class Powertools:
    """BatchProcessor and a pydantic model, an upsert for each record, one commit a batch."""

    def __init__(self, place: Place) -> None:
        from typing import Literal
        from uuid import UUID  # noqa: TC003  pydantic reads the annotations

        from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
        from pydantic import BaseModel, Field

        class Playback(BaseModel):
            event_id: UUID
            type: Literal["play_start", "heartbeat", "pause", "stop", "rebuffer", "error"]
            account_id: UUID
            profile_id: UUID
            session_id: UUID
            title_id: str = Field(pattern="^[A-Za-z0-9_-]{1,64}$")
            device: Literal["tv", "mobile", "tablet", "web", "console", "stick"]
            country: str = Field(pattern="^[A-Z]{2}$")
            position_s: int = Field(ge=0)
            watched_s: int = Field(ge=0, le=86_400)
            bitrate_kbps: int = Field(ge=0)
            rebuffer_ms: int = Field(ge=0, le=3_600_000)
            ts: datetime

        self._model: Any = Playback
        self._processor = BatchProcessor(event_type=EventType.KinesisDataStreams)
        self._connection, self._redis = place.postgres(), place.redis()

    def handle(self, event: Mapping[str, Any]) -> None:
        pipeline = self._redis.pipeline()
        with self._connection, self._connection.cursor() as cursor:

            def count(record: Any) -> None:
                item = self._model.model_validate_json(record.kinesis.data_as_bytes())
                minute = item.ts.replace(second=0, microsecond=0)
                row = (
                    *(minute, item.title_id, item.country, item.device, item.type == "play_start"),
                    *(item.watched_s, item.rebuffer_ms, item.type == "error"),
                )
                cursor.execute(UPSERT, (*row[:4], *map(int, row[4:])))
                pipeline.pfadd(f"live:{minute:%Y-%m-%dT%H:%MZ}", str(item.account_id))

            with self._processor(records=event["Records"], handler=count) as processor:
                processor.process()
        pipeline.execute()


class Careful:
    """The standard library alone: aggregate first, one upsert from arrays, sorted."""

    def __init__(self, place: Place) -> None:
        self._connection, self._redis = place.postgres(), place.redis()

    def handle(self, event: Mapping[str, Any]) -> None:
        from binascii import a2b_base64

        cells: dict[tuple[str, str, str, str], list[int]] = {}
        viewers: dict[str, set[str]] = defaultdict(set)
        loads = json.loads
        for record in event["Records"]:
            item = loads(a2b_base64(record["kinesis"]["data"]))
            minute = item["ts"][:16]
            cell = (minute, item["title_id"], item["country"], item["device"])
            sums = cells.get(cell)
            if sums is None:
                sums = cells[cell] = [0, 0, 0, 0]
            sums[1] += item["watched_s"]
            sums[2] += item["rebuffer_ms"]
            kind = item["type"]
            if kind == "play_start":
                sums[0] += 1
            elif kind == "error":
                sums[3] += 1
            viewers[minute].add(item["account_id"])
        with self._connection, self._connection.cursor() as cursor:
            rows = [(f"{minute}Z", *rest, *sums) for (minute, *rest), sums in sorted(cells.items())]
            cursor.execute(UNNEST, [list(column) for column in zip(*rows, strict=True)])
        _count(self._redis, viewers)


class Bytewax:
    """A dataflow: parse, fold in tumbling minutes by key, and one upsert from arrays."""

    def __init__(self, place: Place) -> None:
        self._connection, self._redis = place.postgres(), place.redis()

    def handle(self, event: Mapping[str, Any]) -> None:
        import bytewax.operators as op
        from bytewax.dataflow import Dataflow
        from bytewax.operators import windowing
        from bytewax.testing import TestingSink, TestingSource, run_main

        def parse(record: Any) -> tuple[str, Any]:
            item = json.loads(base64.b64decode(record["kinesis"]["data"]))
            item["at"] = datetime.fromisoformat(item["ts"])
            return f"{item['title_id']}|{item['country']}|{item['device']}", item

        def fold(sums: list[Any], item: Any) -> list[Any]:
            sums[0] = item["ts"][:16]
            sums[1] += item["type"] == "play_start"
            sums[2] += item["watched_s"]
            sums[3] += item["rebuffer_ms"]
            sums[4] += item["type"] == "error"
            sums[5].add(item["account_id"])
            return sums

        def merge(one: list[Any], other: list[Any]) -> list[Any]:
            sums = [a + b for a, b in zip(one[1:5], other[1:5], strict=True)]
            return [other[0], *sums, one[5] | other[5]]

        folded: list[Any] = []
        flow = Dataflow("minutes")
        records = op.input("in", flow, TestingSource(event["Records"], batch_size=1000))
        # It waits for whoever is late, or it drops what is not in order without a word.
        clock = windowing.EventClock(
            ts_getter=lambda item: item["at"], wait_for_system_duration=timedelta(minutes=2)
        )
        minutes = windowing.TumblingWindower(
            length=timedelta(minutes=1), align_to=datetime(2025, 1, 1, tzinfo=UTC)
        )
        keyed = op.map("parse", records, parse)
        windowed = windowing.fold_window(
            "fold", keyed, clock, minutes, lambda: ["", 0, 0, 0, 0, set()], fold, merge
        )
        op.output("out", windowed.down, TestingSink(folded))
        run_main(flow)

        rows, viewers = [], defaultdict(set)
        for key, (_, sums) in folded:
            rows.append((f"{sums[0]}Z", *key.split("|"), *map(int, sums[1:5])))
            viewers[sums[0]] |= sums[5]
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(UNNEST, [list(column) for column in zip(*sorted(rows), strict=True)])
        _count(self._redis, viewers)


def _row(minute: str, item: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        *(minute, item["title_id"], item["country"], item["device"]),
        *(int(item["type"] == "play_start"), item["watched_s"], item["rebuffer_ms"]),
        int(item["type"] == "error"),
    )


def _count(redis: Any, viewers: Mapping[str, Iterable[str]]) -> None:
    pipeline = redis.pipeline()
    for minute, members in viewers.items():
        pipeline.pfadd(f"live:{minute}Z", *members)
    pipeline.execute()
