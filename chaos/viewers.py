"""Viewers of one title, whose every event must be counted once; and how far the count is behind.

Their title belongs to this game day alone. The rows of its counts stay, as those of any title do.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import psycopg2

from chaos.background import Background
from chaos.session import Session
from demo.day import Record
from demo.producer import Ledger, Sender
from demo.truth import WATCHED_S, Cell, Truth

if TYPE_CHECKING:
    from demo.platform import Platform

EVERY_S: Final = 0.25
AT_ONCE: Final = 25
KINDS: Final = ("play_start", "heartbeat", "rebuffer", "pause", "error")
WATERMARKS: Final = "SELECT shard, sequence FROM analytics.shard_watermark WHERE stream = %s"
ROLLUPS: Final = """
SELECT to_char(minute AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI'), title_id, country, device,
       plays, watched_s, rebuffer_ms, errors
FROM analytics.title_counted() WHERE title_id = %s
"""
UNREACHABLE: Final = (psycopg2.Error, TimeoutError)


@dataclass(frozen=True, slots=True)
class Count:
    """Each event was watched for a second, so the seconds count events."""

    sent: int
    lost: int
    duplicated: int
    differ: int
    """Rows in which any number is not what it must be."""


class Viewers:
    """Sends events in one thread and looks at the consumer's watermarks in another."""

    def __init__(self, platform: Platform, run: str) -> None:
        self.title = run
        self.lag: list[tuple[float, float]] = []
        """When it was looked at, and the age of the oldest event that was not counted then."""
        self._ledger = Ledger()
        self._truth = Truth(frozenset())
        self._stream = platform.stream
        self._sender = Sender(platform.client("kinesis"), platform.stream, self._ledger)
        self._session = Session(platform, "analytics")
        self._lock = threading.Lock()
        self.sending = Background("viewers", EVERY_S, lambda: self._put(AT_ONCE))
        self.looking = Background("lag", EVERY_S, self._look)

    def burst(self, events: int) -> None:
        """So many at once, beside those that come steadily."""
        while events > 0:
            self._put(min(events, 500))
            events -= 500

    def drained(self, within: float) -> bool:
        """Whether everything that was put is counted before so many seconds are over."""
        deadline = time.monotonic() + within
        while self._lag() != 0:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def count(self) -> Count:
        """What was counted against what must have been. Only once it has stopped and drained."""
        found = {Cell(*row[:4]): list(row[4:]) for row in self._session.run(ROLLUPS, (self.title,))}
        return compare(self._truth, found)

    def arrivals(self, shard: str) -> list[float]:
        """When each event of a shard was confirmed, in its order; seconds since 1970."""
        since = time.time() - time.monotonic()
        return [since + at for at in self._ledger.moments(shard)]

    def close(self) -> None:
        self._session.close()

    def _put(self, events: int) -> None:
        payloads = [_event(self.title, number) for number in range(events)]
        records = [
            Record(f"{self.title}-{number}", payload, (payload,), (), 1)
            for number, payload in enumerate(payloads)
        ]
        with self._lock:
            self._sender.put(records)
            for payload in payloads:
                self._truth.absorb(payload)

    def _look(self) -> None:
        self._lag()

    def _lag(self) -> float | None:
        """None while nobody can say."""
        try:
            rows = self._session.run(WATERMARKS, (self._stream,))
        except UNREACHABLE:
            time.sleep(EVERY_S)
            return None
        marks = {shard: int(sequence) for shard, sequence in rows}
        behind = self._ledger.lag_s(marks, time.monotonic())
        self.lag.append((time.time(), behind))
        return behind


def compare(truth: Truth, found: dict[Cell, list[int]]) -> Count:
    """Row by row: what is missing in one does not make up for what is too much in another."""
    nothing = [0, 0, 0, 0]
    lost = duplicated = differ = 0
    for cell in truth.rows.keys() | found.keys():
        expected, counted = truth.rows.get(cell, nothing), found.get(cell, nothing)
        missing = expected[WATCHED_S] - int(counted[WATCHED_S])
        lost += max(0, missing)
        duplicated += max(0, -missing)
        differ += expected != [int(count) for count in counted]
    return Count(truth.events, lost, duplicated, differ)


def _event(title: str, number: int) -> bytes:
    kind = KINDS[number % len(KINDS)]
    event = {
        "event_id": str(uuid.uuid4()),
        "type": kind,
        "account_id": str(uuid.uuid4()),
        "profile_id": str(uuid.uuid4()),
        "session_id": str(uuid.uuid4()),
        "title_id": title,
        "device": "tv",
        "country": "DE",
        "position_s": 60,
        "watched_s": 1,
        "bitrate_kbps": 4_000,
        "rebuffer_ms": 100 if kind == "rebuffer" else 0,
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return json.dumps(event).encode()
