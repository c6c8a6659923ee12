"""What waits for one shard: records in their order, and when the next of them may go."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from streamflix.errors import EventTooLarge
from streamflix.kpl import Aggregate

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORD_LIMIT: Final = 1_048_576  # bytes of data and partition key; a stream's default
# A record that is repeated must lie within the 4,096 events in which the consumer knows it again,
# beside those of other producers; and past 1,000 bad events of a record it gets one pointer only.
RECORD_EVENTS: Final = 1_000
# What a shard takes in a second from all its producers together.
BYTES_PER_SECOND: Final = 1_000_000
RECORDS_PER_SECOND: Final = 1_000
FIRST_BACKOFF_SECONDS: Final = 0.1
LONGEST_BACKOFF_SECONDS: Final = 5.0


@dataclass(slots=True)
class Waiting:
    """A record, and when the first of its events was put."""

    since: float
    record: Aggregate = field(default_factory=Aggregate)


class Lane:
    """The records for one shard. The first may be sent again and again; it stays until it is in."""

    def __init__(self, shard: str, record_bytes: int, share: float) -> None:
        self.shard = shard
        self.free_at = 0.0
        """When the shard may be asked again: paced after a success, backed off after a refusal."""
        self.reason = ""
        """Why the first record was refused, if it was."""
        self._record_bytes = record_bytes
        self._share = share
        self._waiting: deque[Waiting] = deque()
        self._closed = 0
        self._refusals = 0

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    @property
    def size(self) -> int:
        """Bytes of all that waits."""
        return sum(waiting.record.size for waiting in self._waiting)

    @property
    def head(self) -> Aggregate:
        return self._waiting[0].record

    @property
    def since(self) -> float:
        """When the oldest event was put."""
        return self._waiting[0].since

    @property
    def is_full(self) -> bool:
        """Whether the first record takes no more events."""
        return self._closed > 0

    def add(self, key: str, payload: bytes, now: float) -> int:
        """Queue an event; the bytes that it adds. Raises: `EventTooLarge`, and nothing changes."""
        if len(self._waiting) > self._closed:
            record = self._waiting[-1].record
            before = record.size
            if len(record) < RECORD_EVENTS and record.add(key, payload, self._record_bytes):
                return record.size - before
        fresh = Waiting(now)
        if not fresh.record.add(key, payload, RECORD_LIMIT):
            raise EventTooLarge(f"{len(payload)} bytes, of a record's {RECORD_LIMIT}")
        self._closed = len(self._waiting)
        self._waiting.append(fresh)
        return fresh.record.size

    def seal_head(self) -> Aggregate:
        """The record to send now. It takes no more events: what is repeated must be the same."""
        self._closed = max(self._closed, 1)
        return self.head

    def sent(self, at: float) -> Aggregate:
        """The first record is in, in a call made at this time."""
        record = self._waiting.popleft().record
        self._closed -= 1
        self._refusals, self.reason = 0, ""
        seconds = max(record.size / BYTES_PER_SECOND, 1 / RECORDS_PER_SECOND)
        self.free_at = at + seconds / self._share
        return record

    def refused(self, reason: str, now: float, jitter: float) -> None:
        """The first record must be sent again, after a pause; `jitter` is between 0 and 1."""
        self.reason = reason
        pause = min(FIRST_BACKOFF_SECONDS * 2 ** min(self._refusals, 16), LONGEST_BACKOFF_SECONDS)
        self._refusals += 1
        self.free_at = now + pause * (0.5 + jitter)

    def events(self) -> Iterator[tuple[float, str, bytes]]:
        """Whatever waits, in order: since when about, its key and its payload."""
        for waiting in self._waiting:
            for key, payload in waiting.record.users:
                yield waiting.since, key, payload
