"""Puts records into the stream: in order per partition key, and none of them lost.

PutRecords may accept some entries of a request and refuse others, so a request holds a key only
once: whatever is refused is sent again before anything newer of its key. A request holds so few
events that even a whole repeated request stays within the platform's promise about duplicates.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from demo.day import Record

MAX_RECORDS: Final = 500  # of Kinesis
MAX_BYTES: Final = 4_900_000  # Kinesis: 5 MiB with partition keys
MAX_EVENTS: Final = 1_500
IN_FLIGHT: Final = 3
GIVE_UP_AFTER_S: Final = 60.0


class StreamRefusesRecords(Exception):
    """The stream took nothing of a request for a minute: throttled, or its key is disabled."""


class Place(NamedTuple):
    """Where the stream keeps a record."""

    shard: str
    sequence: int


class Spot(NamedTuple):
    """Where the platform must say that something was wrong; None: the record as a whole."""

    shard: str
    sequence: int
    subsequence: int | None


@dataclass
class Ledger:
    """Where everything went. One thread writes; others may read while it does."""

    events: int = 0
    records: int = 0
    bytes: int = 0
    retried: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    marks: dict[Spot, str] = field(default_factory=dict)
    _sequences: dict[str, list[int]] = field(default_factory=dict)
    _sent_at: dict[str, list[float]] = field(default_factory=dict)

    @property
    def tips(self) -> dict[str, int]:
        """The last sequence number of each shard."""
        return {shard: numbers[-1] for shard, numbers in list(self._sequences.items()) if numbers}

    def note(self, record: Record, place: Place, at: float) -> None:
        self.first_at = self.first_at or at
        self.last_at = at
        self.events += record.events
        self.records += 1
        self.bytes += record.size
        numbers = self._sequences.setdefault(place.shard, [])
        where = bisect_right(numbers, place.sequence)  # keys of one request may come in any order
        self._sent_at.setdefault(place.shard, []).insert(where, at)
        numbers.insert(where, place.sequence)
        for mark in record.marks:
            self.marks[Spot(place.shard, place.sequence, mark.subsequence)] = mark.kind

    def owns(self, spot: Spot) -> bool:
        """Whether one of our records lies there."""
        numbers = self._sequences.get(spot.shard, [])
        place = bisect_right(numbers, spot.sequence)
        return place > 0 and numbers[place - 1] == spot.sequence

    def moments(self, shard: str) -> list[float]:
        """When each record of a shard was confirmed, in the order of the shard; `note`'s clock."""
        return self._sent_at.get(shard, [])

    def behind(self, shard: str, watermark: int) -> int:
        """How many records of a shard lie above a watermark."""
        numbers = self._sequences.get(shard, [])
        return len(numbers) - bisect_right(numbers, watermark)

    def lag_s(self, watermarks: dict[str, int], now: float) -> float:
        """Age of the oldest record that was put and not yet counted; `now` is monotonic."""
        oldest = now
        for shard, numbers in list(self._sequences.items()):
            place = bisect_right(numbers, watermarks.get(shard, -1))
            if place < len(numbers):
                oldest = min(oldest, self._sent_at[shard][place])
        return now - oldest


def requests(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Cut the day into requests that Kinesis accepts, each key once per request."""
    request: list[Record] = []
    keys: set[str] = set()
    size = events = 0
    for record in records:
        weight = record.size
        taken = record.key in keys and not record.repeats_previous
        full = len(request) == MAX_RECORDS or size + weight > MAX_BYTES
        if request and (taken or full or events + record.events > MAX_EVENTS):
            yield request
            request, keys, size, events = [], set(), 0, 0
        request.append(record)
        keys.add(record.key)
        size += weight
        events += record.events
    if request:
        yield request


def send(
    client: Any,
    stream: str,
    records: Iterable[Record],
    ledger: Ledger,
    progress: Callable[[int], None],
) -> None:
    """Put everything; `progress` is told how many events each request carried.

    Requests go out one after the other from a second thread, while this one makes the next.
    """
    sender = Sender(client, stream, ledger)
    with ThreadPoolExecutor(1, thread_name_prefix="producer") as thread:
        pending: deque[Future[int]] = deque()
        try:
            for request in requests(records):
                pending.append(thread.submit(sender.put, request))
                while len(pending) > IN_FLIGHT:
                    progress(pending.popleft().result())
            while pending:
                progress(pending.popleft().result())
        except BaseException:
            thread.shutdown(cancel_futures=True)  # never send what follows a lost request
            raise


class Sender:
    def __init__(
        self,
        client: Any,
        stream: str,
        ledger: Ledger,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client, self.stream, self.ledger = client, stream, ledger
        self.sleep, self.clock = sleep, clock

    def put(self, request: list[Record]) -> int:
        """Put one request until all of it is in; returns its events."""
        left, pause, deadline = request, 0.05, self.clock() + GIVE_UP_AFTER_S
        while left:
            refused = self._attempt(left)
            if len(refused) < len(left):
                deadline = self.clock() + GIVE_UP_AFTER_S
            elif self.clock() > deadline:
                raise StreamRefusesRecords(f"{self.stream}: {len(refused)} records refused")
            if refused:
                self.ledger.retried += len(refused)
                self.sleep(pause)
                pause = min(2 * pause, 2.0)
            left = refused
        return sum(record.events for record in request)

    def _attempt(self, records: list[Record]) -> list[Record]:
        """Put the records; returns the refused ones in their order."""
        entries = [{"PartitionKey": record.key, "Data": record.data} for record in records]
        answer = self.client.put_records(StreamName=self.stream, Records=entries)
        at, refused = self.clock(), []
        for record, result in zip(records, answer["Records"], strict=True):
            if result.get("ErrorCode"):
                refused.append(record)
            else:
                place = Place(result["ShardId"], int(result["SequenceNumber"]))
                self.ledger.note(record, place, at)
        return refused
