"""When events come: a rate that changes at given moments. Counts are whole events."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

GRAIN = 1e-9


@dataclass(frozen=True, slots=True)
class Burst:
    """So many times the steady rate from one moment to another, in seconds since the start."""

    begins: float
    ends: float
    times: float


@dataclass(frozen=True)
class Arrivals:
    """Events at even distances; `phase` in [0, 1) says how near the first one is.

    `stroke_s`: those of so many seconds come all at once, at their end. 0: each at its moment.
    """

    per_s: float
    bursts: tuple[Burst, ...] = ()
    phase: float = 0.0
    stroke_s: float = 0.0

    @cached_property
    def _pieces(self) -> tuple[list[float], list[float], list[float]]:
        """Moments from which a rate holds, the events until then, the rates."""
        moments = sorted({0.0, *(b.begins for b in self.bursts), *(b.ends for b in self.bursts)})
        rates = [self.per_s * self._times(moment) for moment in moments]
        sums = [self.phase]
        for at in range(1, len(moments)):
            sums.append(sums[-1] + rates[at - 1] * (moments[at] - moments[at - 1]))
        return moments, sums, rates

    def _times(self, moment: float) -> float:
        return math.prod(b.times for b in self.bursts if b.begins <= moment < b.ends)

    def count(self, until: float) -> int:
        """Events that have come by then."""
        moments, sums, rates = self._pieces
        if self.stroke_s:
            until = math.floor(until / self.stroke_s + GRAIN) * self.stroke_s
        at = max(0, bisect_right(moments, until) - 1)
        return int(sums[at] + rates[at] * (until - moments[at]) + GRAIN)

    def moment(self, number: int) -> float:
        """When the nth event comes, the first being 1; infinite if it never does."""
        at = self._even(number)
        if self.stroke_s and at < math.inf:
            return math.ceil(at / self.stroke_s - GRAIN) * self.stroke_s
        return at

    def _even(self, number: int) -> float:
        moments, sums, rates = self._pieces
        at = max(0, bisect_right(sums, number) - 1)
        missing = number - sums[at]
        if missing <= 0:
            return moments[at]
        return moments[at] + missing / rates[at] if rates[at] > 0 else math.inf
