"""One batch, from records to rows: the order of steps, and what a crash between them means."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import msgspec

from analytics.decode import Decoded, Pointer, decode
from analytics.patience import persist
from analytics.store import Applied
from streamflix import log
from streamflix.errors import DataRefused, Permanent, Retryable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from analytics.decode import Minutes
    from analytics.envelope import Batch, Shard
    from analytics.store import Store
    from streamflix.deadline import Deadline

ATTEMPTS = 3

logger = log.get("analytics")


class Viewers(Protocol):
    def add(self, minutes: Minutes, accounts: bytes) -> bool: ...


class Rejects(Protocol):
    def send(self, shard: Shard, pointers: Sequence[Pointer]) -> None: ...


class Doors(msgspec.Struct, frozen=True):
    """What lies outside of this process. Connections behind them outlive an invocation."""

    store: Store
    viewers: Viewers
    rejects: Rejects
    clock: Callable[[], float] = time.time


class Outcome(msgspec.Struct, frozen=True):
    """What one invocation did, in numbers."""

    applied: Applied
    lag_ms: int
    viewers_missed: bool

    def metrics(self) -> dict[str, float]:
        """ConsumerLagMs: how old the newest record of the batch was once it was committed, that is,
        by how much the rollups trail the stream; waiting for a batch to fill does not show."""
        pointers = self.applied.pointers
        dropped = sum(pointer.reason == "unknown_profile" for pointer in pointers)
        return {
            "EventsIngested": self.applied.ingested,
            "EventsRejected": len(pointers) - dropped,
            "EventsDropped": dropped + self.applied.erased,
            "EventsDuplicated": self.applied.duplicates,
            "ConsumerLagMs": self.lag_ms,
            "ViewerBatchesMissed": int(self.viewers_missed),
        }


def ingest(batch: Batch, doors: Doors, deadline: Deadline) -> Outcome:
    """Count a batch once, wherever an earlier try may have died.

    Raises: `Retryable` when infrastructure was away for as long as could be waited. A record never
    makes it raise: it becomes a pointer, at the latest when it was begun three times alone.
    """
    single = len(batch.records) == 1
    begun = persist(lambda: doors.store.begin(batch), deadline) if single else 1
    if not begun:  # counted before: not even looked at, or it could kill for ever
        return _outcome(batch, doors, Applied())
    try:
        decoded = decode(batch.records) if begun <= ATTEMPTS else _stepped_over(batch)
        viewers_counted = doors.viewers.add(decoded.minutes, decoded.accounts)
        applied = persist(lambda: doors.store.apply(batch, decoded, doors.rejects.send), deadline)
    except (Retryable, Permanent) as error:
        if single and not isinstance(error, DataRefused):
            call_off(batch, doors)
        raise
    return _outcome(batch, doors, applied, viewers_missed=not viewers_counted)


def _outcome(batch: Batch, doors: Doors, applied: Applied, viewers_missed: bool = False) -> Outcome:
    return Outcome(applied, round((doors.clock() - batch.arrival) * 1000), viewers_missed)


def _stepped_over(batch: Batch) -> Decoded:
    return Decoded(rejected=[Pointer(batch.last, None, "killed_the_consumer")])


def call_off(batch: Batch, doors: Doors) -> None:
    """What is wrong with the platform is not the record's fault and must not count against it."""
    try:
        doors.store.call_off(batch)
    except Retryable as error:
        logger.warning("attempt not called off yet", extra={"error": type(error).__name__})
