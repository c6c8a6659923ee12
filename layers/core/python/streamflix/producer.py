"""Puts events into a stream: packed, in order, within each shard's limits, and none of them lost.

    with Producer("streamflix-playback-prod") as producer:
        producer.put(title_id, payload, session_id)

An event's partition key is a hash of its title and a salt, so that a consumer meets a title in few
shards and no shard meets the most watched title alone. Events of a shard travel in aggregates
(`streamflix.kpl`); a call carries one record per shard, because PutRecords may refuse any of its
entries and keeps no order among the others: what is refused goes again before anything newer.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from streamflix import aws
from streamflix.errors import EventsUnsent, ShardsUnknown
from streamflix.lane import RECORD_LIMIT, Lane
from streamflix.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from streamflix.shards import KinesisClient

# Kinesis took 5 MiB in a call for years and takes 10 now; no call of ours needs more.
CALL_BYTES: Final = 5 * 1_048_576
CALL_RECORDS: Final = 500
RECORD_BYTES: Final = 25_000  # the unit in which Kinesis bills what is put
BUFFER_BYTES: Final = 16 * 1_048_576
SALTS: Final = 16
RELIST_SECONDS: Final = 1.0


@dataclass(slots=True)
class Sent:
    """What a producer has done since it was made."""

    events: int = 0
    records: int = 0
    bytes: int = 0
    """As Kinesis counts them: data and partition keys."""
    refused: int = 0
    """Records that must go again because Kinesis refused them."""
    failed_calls: int = 0
    """Calls without an answer, beside those that boto3 repeated. Their records must go again, and
    may be in the stream already."""
    moved: int = 0
    """Records that landed in another shard than expected: the stream was resharded."""


class Producer:
    """A buffer in front of a stream. One thread at a time.

    **Order** Events of one title and session are in the stream in the order in which they were put,
    and so is everything of a shard while none is split or merged. What was in one record when that
    happened can lie in another shard than its session's later events.

    **Loss** An event that `put` has taken leaves the producer when Kinesis has confirmed it, and no
    sooner. `EventsUnsent` means that it is still there.

    **Duplicates** A call that got no answer is repeated unchanged, and may have been heard: then
    its events are twice in the stream, the same bytes with the same `event_id`, a record's 1,000
    events apart at most, and in one shard unless it was split just then. The consumer knows an
    event again within 4,096 events of a shard.

    **No thread** Only `put`, `tend` and `flush` send. Whoever has nothing to put calls `tend` as
    often as `linger_seconds` is to be kept.
    """

    def __init__(
        self,
        stream: str,
        client: KinesisClient | None = None,
        *,
        salts: int | Callable[[str], int] = SALTS,
        share: float = 1.0,
        record_bytes: int = RECORD_BYTES,
        buffer_bytes: int = BUFFER_BYTES,
        linger_seconds: float = 1.0,
        patience_seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Kinesis is not called before the first `put`.

        `salts`: how many keys a title spreads over, at least 1; for all titles, or a function of
        one. 16 do for some thirty shards; for more, 1 + 16 x the title's share x shards.
        `share`: the part of each shard's limits that this producer may use.
        `record_bytes`: what a record has at most, with its key; an event that is larger goes alone.
        `buffer_bytes`: how much may wait, counted as it will travel.
        `linger_seconds`: how long an event waits for company.
        `patience_seconds`: how long `put` waits for room in the buffer, and `flush` for its end.
        """
        if not 0 < record_bytes <= min(RECORD_LIMIT, buffer_bytes):
            raise ValueError(f"record_bytes must be 1 to {RECORD_LIMIT}, within buffer_bytes")
        if not 0 < share <= 1:
            raise ValueError("share must be more than 0 and at most 1")
        if not callable(salts) and salts < 1:
            raise ValueError("salts must be at least 1")
        self.sent = Sent()
        self._stream = stream
        self._client: KinesisClient = client or aws.client("kinesis")
        self._routes = Routes(
            self._client, stream, salts, lambda shard: Lane(shard, record_bytes, share)
        )
        self._buffer_bytes = buffer_bytes
        self._fit = min(CALL_BYTES // record_bytes, CALL_RECORDS)
        self._linger, self._patience = linger_seconds, patience_seconds
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._held = 0
        self._full_lanes = 0
        self._look_at = float("inf")
        self._is_stale, self._relist_at = False, float("-inf")

    @property
    def unsent(self) -> int:
        """How many events wait."""
        return sum(1 for lane in self._routes.lanes for _ in lane.events())

    def put(self, title: str, payload: bytes, session: str = "") -> None:
        """Take an event, after sending what is due.

        `session` keeps its events of this title in one shard and in order. Without one the payload
        decides, so that an event that is put again still meets its first copy.

        Raises: `EventTooLarge`, `ShardsUnknown`; `EventsUnsent` when the buffer is full and stays
        so. Then this event was not taken, and those before it are kept.
        """
        if self._held >= self._buffer_bytes:
            self._send_until(lambda: self._held < self._buffer_bytes, self._patience)
        else:
            self.tend()
        now = self._clock()
        key, lane = self._routes.of(title, session.encode() if session else payload)
        was_empty, was_full = lane.is_empty, lane.is_full
        self._held += lane.add(key, payload, now)
        if was_empty:
            self._look_at = min(self._look_at, max(lane.free_at, now + self._linger))
        if lane.is_full and not was_full:
            self._full_lanes += 1
            if self._are_enough_full():
                self._look_at = now

    def tend(self) -> None:
        """Send what is due, in one call at most, and wait for nothing but its answer."""
        now = self._clock()
        if now >= self._look_at:
            self._send(now)

    def flush(self, within_seconds: float | None = None) -> None:
        """Send everything, within these seconds or the producer's patience, and one call more.

        Raises: `EventsUnsent`. It may be called again.
        """
        within = self._patience if within_seconds is None else within_seconds
        self._send_until(lambda: all(lane.is_empty for lane in self._routes.lanes), within)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Flush, also after an error, which then goes on with a note about what is unsent."""
        try:
            self.flush()
        except EventsUnsent as unsent:
            if error is None:
                raise
            error.add_note(f"EventsUnsent: {unsent}")

    def _send_until(self, is_done: Callable[[], bool], within: float) -> None:
        """Raises: `EventsUnsent`."""
        give_up_at = self._clock() + within
        while not is_done():
            has_called = self._send(self._clock(), everything=True)
            if is_done():
                return
            now = self._clock()
            if now >= give_up_at:
                raise EventsUnsent(
                    f"{self._stream}: {self.unsent} events after {within:g} s: {self._reasons()}"
                )
            if not has_called:
                free_at = min(lane.free_at for lane in self._routes.lanes if not lane.is_empty)
                self._sleep(max(0.0, min(free_at, give_up_at) - now))

    def _reasons(self) -> str:
        """Why shards took no more, never of what."""
        reasons = {lane.reason for lane in self._routes.lanes if lane.reason}
        return ", ".join(sorted(reasons)) or "nothing was refused, each shard's pace was kept"

    def _send(self, now: float, *, everything: bool = False) -> bool:
        """One call, with a record of each lane that is free and due. Whether there was any."""
        from botocore.exceptions import BotoCoreError, ClientError

        lanes = self._chosen(now, everything)
        records = [lane.seal_head() for lane in lanes]
        entries = [{"PartitionKey": each.key, "Data": each.data()} for each in records]
        if entries:
            try:
                answer = self._client.put_records(StreamName=self._stream, Records=entries)
            except (BotoCoreError, ClientError) as error:
                self._fail(lanes, aws.refusal(error))
            else:
                self._settle(lanes, answer, now)
        if self._is_stale:
            self._relist()
        self._plan(now)
        return bool(entries)

    def _chosen(self, now: float, everything: bool) -> list[Lane]:
        """As many as a call takes, those first that wait longest."""
        ready = [
            lane
            for lane in self._routes.lanes
            if not lane.is_empty
            and lane.free_at <= now
            and (everything or lane.is_full or lane.since + self._linger <= now)
        ]
        ready.sort(key=lambda lane: lane.since)
        size, chosen = 0, []
        for lane in ready[:CALL_RECORDS]:
            size += lane.head.size
            if size > CALL_BYTES:
                break
            chosen.append(lane)
        return chosen

    def _settle(self, lanes: Sequence[Lane], answer: Mapping[str, Any], at: float) -> None:
        """Take what is confirmed out of its lane; the rest stays the first of its own."""
        results = answer["Records"]
        if len(results) != len(lanes):
            self._fail(lanes, f"{len(results)} answers to {len(lanes)} records")
            return
        now, jitter = self._clock(), self._jitter()
        for lane, result in zip(lanes, results, strict=True):
            if code := result.get("ErrorCode"):
                lane.refused(code, now, jitter)
                self.sent.refused += 1
                continue
            record = lane.sent(at)
            self.sent.events += len(record)
            self.sent.records += 1
            self.sent.bytes += record.size
            if result.get("ShardId") != lane.shard:
                self.sent.moved += 1
                self._is_stale = True

    def _fail(self, lanes: Sequence[Lane], reason: str) -> None:
        now, jitter = self._clock(), self._jitter()
        for lane in lanes:
            lane.refused(reason, now, jitter)
        self.sent.failed_calls += 1

    def _relist(self) -> None:
        """Once a second at most: a reshard takes a while."""
        now = self._clock()
        if now < self._relist_at:
            return
        self._relist_at = now + RELIST_SECONDS
        try:
            self._routes.relist()
        except ShardsUnknown:
            return  # what we know still leads every record into the stream
        self._is_stale = False

    def _plan(self, now: float) -> None:
        """When to look again. Until then a put need not go through the lanes."""
        busy = [lane for lane in self._routes.lanes if not lane.is_empty]
        self._held = sum(lane.size for lane in busy)
        self._full_lanes = sum(lane.is_full for lane in busy)
        are_enough = self._are_enough_full()
        due = (
            lane.free_at
            if are_enough and lane.is_full
            else max(lane.free_at, lane.since + self._linger)
            for lane in busy
        )
        self._look_at = max(now, min(due, default=float("inf")))

    def _are_enough_full(self) -> bool:
        """Full records of a few lanes wait for those of others, so that a call carries many."""
        return self._full_lanes >= max(1, min(len(self._routes.lanes) // 2, self._fit))
