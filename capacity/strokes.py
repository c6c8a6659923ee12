"""The load of a run that is recorded. No I/O."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from capacity.arrivals import Burst

if TYPE_CHECKING:
    from collections.abc import Callable

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
    strokes: int = 0
    clock: Callable[[], float] = time.monotonic
    _owed: float = 0.0
    _began: float = field(init=False)
    _last: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self._last = self.clock()

    def stroke(self) -> None:
        now = self.clock()
        wave = wave_of(self.seed, int((now - self._began) / WAVE_S))
        self._owed += (now - self._last) * self.per_s * self.times * wave
        self._last = now
        events, self._owed = int(self._owed), self._owed % 1
        self.viewers.burst(events)
        self.put += events
        self.strokes += 1

    @property
    def stroke_s(self) -> float:
        """How far strokes were apart, in the mean: putting takes its time as well."""
        return (self._last - self._began) / self.strokes


def wave_of(seed: int, turn: int) -> float:
    """What the rate is multiplied with for `WAVE_S`; 1 in the mean. The same for the same seed."""
    return random.Random(f"{seed} {turn}").uniform(*UNEVEN)  # noqa: S311  guards nothing


def waves(seed: int, lasts_s: float) -> tuple[Burst, ...]:
    """The same, as a load that is known before it comes."""
    return tuple(
        Burst(turn * WAVE_S, (turn + 1) * WAVE_S, wave_of(seed, turn))
        for turn in range(math.ceil(lasts_s / WAVE_S))
    )
