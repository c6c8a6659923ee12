"""The game days that there are: what breaks, how long it lasts, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chaos import consumers, cutovers, faults
from chaos.bars import Bars

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.faults import Fault

STALLED_S: Final = 230.0  # a reader is late for 3 minutes of 5; then the alarm's own half second


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    line: str
    fault: Callable[[], Fault]
    bars: Bars
    lasts_s: float = 0.0
    """The fault is taken back after so long, or as soon as its alarm is red or all is well."""
    until_alarm: bool = False


CUT_S: Final = 25.0
ALL: Final = (
    Scenario(
        "writer-killed",
        "the database's writer dies (SIGKILL): a reader is promoted",
        faults.WriterKilled,
        Bars("writes", writes_s=10, reads_s=10, incident=True),
    ),
    Scenario(
        "reader-killed",
        "the reader that the application reads from dies (SIGKILL)",
        faults.ReaderKilled,
        Bars("reads", reads_s=5),
    ),
    Scenario(
        "writer-frozen",
        "the writer hangs (SIGSTOP): it takes connections and answers none",
        faults.WriterFrozen,
        Bars("writes", writes_s=12, reads_s=12, incident=True),
        lasts_s=40,
    ),
    Scenario(
        "network-cut",
        f"the writer endpoint resets every client for {CUT_S:.0f} s",
        lambda: faults.NetworkCut(CUT_S),
        Bars(
            "writes",
            writes_s=CUT_S + 5,
            incident=True,
            alarm="database-writes-failing",
            alarm_s=120,
            page="platform-down",
        ),
        lasts_s=CUT_S,
    ),
    Scenario(
        "redis-killed",
        "a primary of the cache dies (SIGKILL): an empty one takes its place",
        faults.CacheKilled,
        Bars("cache", cache_s=5),
    ),
    Scenario(
        "lambda-killed",
        "the stream's consumer dies (SIGKILL) with its transaction open",
        consumers.ConsumerKilled,
        Bars("events"),
    ),
    Scenario(
        "stream-stalled",
        "a transaction that was left open blocks the consumer until an alarm is red",
        lambda: consumers.StreamStalled(STALLED_S + 10),
        Bars("events", alarm="stream-readers-late", alarm_s=STALLED_S + 10),
        lasts_s=STALLED_S,
        until_alarm=True,
    ),
    Scenario(
        "table-dropped",
        "somebody drops the catalogue: a person cuts over to the moment before, and adopts",
        cutovers.TableDropped,
        # Nobody's alarm knows the application's tables. What is seen is the way out of it: the
        # fence, and that the probe's own writes since the target are gone.
        Bars(
            "writes",
            writes_s=60,
            reads_s=60,
            adoption_s=10,
            incident=True,
            alarm="database-writes-lost",
            alarm_s=120,
            page="data-at-risk",
        ),
    ),
)
BY_NAME: Final = {each.name: each for each in ALL}
