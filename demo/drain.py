"""Watches the consumer catch up: how far each shard was counted, and how old the oldest gap is."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from demo.producer import Ledger

POLL_S: Final = 0.25
STALL_S: Final = 120.0
WATERMARKS: Final = "SELECT shard, sequence FROM analytics.shard_watermark WHERE stream = %s"


class ConsumerStandsStill(Exception):
    """No shard moved for two minutes although records wait: the consumer fails or is not called."""


@dataclass
class Watch:
    """Polls the watermarks from before the first record to after the last, in its own thread.

    The watermark is what counts: it moves in the transaction that wrote the counts.
    """

    connect: Callable[[], AbstractContextManager[Any]]
    stream: str
    ledger: Ledger
    watermarks: dict[str, int] = field(default_factory=dict)
    max_lag_s: float = 0.0
    moved_at: float = field(default_factory=time.monotonic)
    error: BaseException | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def records_behind(self) -> int:
        marks = self.watermarks
        return sum(self.ledger.behind(shard, marks.get(shard, -1)) for shard in self.ledger.tips)

    def wait(self, progress: Callable[[int], None]) -> float:
        """Until everything that was put is counted; returns when that was, on the monotonic clock.

        `progress` is told how many records wait. Raises: `ConsumerStandsStill`.
        """
        self.moved_at = time.monotonic()
        while behind := self.records_behind:
            if self.error is not None:
                raise self.error
            if time.monotonic() - self.moved_at > STALL_S:
                raise ConsumerStandsStill(self._complaint(behind))
            progress(behind)
            time.sleep(POLL_S)
        progress(0)
        return self.moved_at

    def _complaint(self, behind: int) -> str:
        shards = [
            f"{shard}: {waiting} records wait above sequence {self.watermarks.get(shard, 'none')}"
            for shard, tip in sorted(self.ledger.tips.items())
            if (waiting := self.ledger.behind(shard, self.watermarks.get(shard, -1)))
        ]
        return f"{behind} records are not counted and nothing moves.\n" + "\n".join(shards)

    def _run(self) -> None:
        try:
            with self.connect() as connection:
                connection.autocommit = True
                while not self._stop.wait(POLL_S):
                    self._look(connection)
        except Exception as error:  # noqa: BLE001 -- raised again in the thread that waits
            self.error = error

    def _look(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(WATERMARKS, (self.stream,))
            found = {shard: int(sequence) for shard, sequence in cursor.fetchall()}
        now = time.monotonic()
        if found != self.watermarks:
            self.watermarks, self.moved_at = found, now
        self.max_lag_s = max(self.max_lag_s, self.ledger.lag_s(found, now))
