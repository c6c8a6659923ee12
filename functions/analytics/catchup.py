"""From the watermarks of a restored database to the tip of the stream.

The watermarks are all the state there is: whatever ends a replay, the next one goes on from them.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analytics.envelope import Batch, Records
from analytics.ingest import ATTEMPTS, call_off, ingest
from analytics.patience import SHARE_LEFT, persist
from analytics.store import Progress
from analytics.stream import Cursor
from streamflix import log
from streamflix.errors import DataRefused, Permanent, Retryable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analytics.envelope import Record
    from analytics.ingest import Doors
    from analytics.stream import Chunk, Stream
    from streamflix.deadline import Deadline

# A shard hands out 2 MB a second, a CPU counts ten times as much.
READERS = 8

logger = log.get("analytics")


@dataclass(slots=True)
class Tally:
    """What one replay did. `done`: every shard was read to its tip."""

    done: bool = False
    records: int = 0
    ingested: int = 0
    duplicates: int = 0
    rejected: int = 0
    shards: int = 0
    """Those that were read to their tip."""
    gap: int = 0
    """Shards whose watermark is older than what the stream keeps: events may be lost for good."""
    behind_seconds: float = 0.0
    """How far from its tip the last of the shards is that were read."""


def catch_up(stream: Stream, doors: Doors, deadline: Deadline) -> Tally:
    """Count what no watermark covers yet, up to now, or until a fifth of the time is left.

    Safe to repeat and to interrupt, and beside a consumer that is at work.
    Raises: `Retryable`: at once before the first record, later when infrastructure was away for as
    long as could be waited.
    """
    return _Replay(stream, doors, deadline).run()


class _Replay:
    def __init__(self, stream: Stream, doors: Doors, deadline: Deadline) -> None:
        self._stream = stream
        self._doors = doors
        self._deadline = deadline
        self._tip = doors.clock()
        self._counting = threading.Lock()  # shards are read at once, and counted in turn
        self._gave_up = False
        self._progress: dict[str, Progress] = {}
        self._tally = Tally()

    def run(self) -> Tally:
        # This process may know the database that was left since.
        self._doors.store.look_again()
        # Not waited for: who called can do that, and nothing is half done.
        self._progress = self._doors.store.progress(self._stream.name)
        generations = self._stream.generations()
        with ThreadPoolExecutor(READERS) as readers:
            # Children wait for their parents, so that events are counted in order. A list, because
            # an error may stand behind somebody who stopped on account of it.
            self._tally.done = all(
                all(list(readers.map(self._cross, shards))) for shards in generations
            )
        return self._tally

    def _cross(self, name: str) -> bool:
        """Whether the shard's tip was reached."""
        progress = self._progress.get(name, Progress())
        cursor = Cursor(self._stream, name, progress.watermark)
        try:
            reached, behind = self._read(cursor, progress.begun)
        except BaseException:
            self._gave_up = True  # the others need not go on
            raise
        with self._counting:
            self._tally.shards += reached
            self._tally.gap += cursor.has_gap
            self._tally.behind_seconds = max(self._tally.behind_seconds, behind)
        if cursor.has_gap:
            logger.warning("events may have expired uncounted", extra={"shard": name})
        return reached

    def _read(self, cursor: Cursor, suspect: int) -> tuple[bool, float]:
        behind = 0.0
        while not self._is_over():
            chunk = persist(cursor.read, self._deadline)
            for records in _parts(chunk, suspect):
                with self._counting:
                    if self._is_over():
                        return False, chunk.behind_seconds
                    self._count(Batch.of(cursor.shard, Records.of(records)))
            # What arrives from now on is the consumer's, whose checkpoint is older.
            if chunk.is_last or (chunk.records and chunk.records[-1].arrival >= self._tip):
                return True, chunk.behind_seconds
            behind = chunk.behind_seconds
        return False, behind

    def _is_over(self) -> bool:
        return self._gave_up or self._deadline.seconds_until(SHARE_LEFT) <= 0

    def _count(self, batch: Batch) -> None:
        """As the consumer and Lambda's bisection would in the end."""
        self._tally.records += len(batch.records)
        if len(batch.records) == 1:
            self._count_alone(batch)
            return
        # Whoever dies in it leaves a trace: the next replay takes its records one by one.
        persist(lambda: self._doors.store.begin(batch), self._deadline)
        try:
            self._ingest(batch)
        except DataRefused:
            for record in batch.records:
                self._count_alone(Batch.of(batch.shard, Records.of([record])))
        except (Retryable, Permanent):
            call_off(batch, self._doors)
            raise

    def _count_alone(self, batch: Batch) -> None:
        for left in reversed(range(ATTEMPTS + 1)):  # the last one makes it a pointer
            try:
                self._ingest(batch)
            except DataRefused:
                if not left:
                    raise
            else:
                return

    def _ingest(self, batch: Batch) -> None:
        applied = ingest(batch, self._doors, self._deadline).applied
        self._tally.ingested += applied.ingested
        self._tally.duplicates += applied.duplicates
        self._tally.rejected += len(applied.pointers)


def _parts(chunk: Chunk, suspect: int) -> Iterator[list[Record]]:
    """One by one up to where somebody may have died, the others together."""
    together = []
    for record in chunk.records:
        if record.sequence <= suspect:
            yield [record]
        else:
            together.append(record)
    if together:
        yield together
