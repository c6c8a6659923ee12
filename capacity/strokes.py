"""The load of a run that is recorded, and what was seen of it each second. No I/O."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from capacity.runs import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

STROKE_S: Final = 0.25
WAVE_S: Final = 2.0
"""So long a share of the rate holds: longer than a window, or all batches would be of one size."""
UNEVEN: Final = (0.25, 1.75)
EVENT_BYTES: Final = 408
"""Of an event that chaos/viewers.py makes."""


class Bursting(Protocol):
    """`chaos.viewers.Viewers`, as far as it is needed here."""

    def burst(self, events: int) -> None: ...


@dataclass
class Load:
    """Events in uneven strokes whose mean is the rate: what the calibration learns from."""

    viewers: Bursting
    per_s: float
    seed: int
    times: float = 1.0
    put: int = 0
    clock: Callable[[], float] = time.monotonic
    _owed: float = 0.0
    _began: float = field(init=False)
    _last: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self._last = self.clock()

    def stroke(self) -> None:
        now = self.clock()
        turn = int((now - self._began) / WAVE_S)
        wave = random.Random(f"{self.seed} {turn}")  # noqa: S311  spreads load, guards nothing
        self._owed += (now - self._last) * self.per_s * self.times * wave.uniform(*UNEVEN)
        self._last = now
        events, self._owed = int(self._owed), self._owed % 1
        self.viewers.burst(events)
        self.put += events


def samples(
    puts: Sequence[tuple[float, int]], lags: Sequence[tuple[float, float]], ended: float
) -> Iterator[Sample]:
    """One a second: the last lag of that second, or none if nobody could say."""
    by_second = {int(at): (at, lag) for at, lag in lags}
    for at, put in puts:
        if at <= ended:
            found = by_second.get(int(at))
            yield Sample(at, put, found[1] if found else None)
