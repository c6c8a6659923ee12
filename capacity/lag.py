"""How far counts are behind events, and when they have caught up; measured or computed alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity.simulate import Chain, Scenario

STEP_S: Final = 1.0
WARM_S: Final = 5.0
"""The first seconds say nothing: nobody has gathered a batch yet."""
CALM: Final = 1.25
"""Caught up is who lags by no more than this much of the worst before the trouble."""
STAYS: Final = 3
"""For so many samples."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Ages in seconds of the oldest event that was not counted, at moments since the start."""

    samples: tuple[tuple[float, float], ...]
    begins: float
    ends: float
    """Of the trouble."""

    def share(self, part: float) -> float:
        """The lag that this part of all samples does not exceed."""
        ordered = sorted(value for _, value in self.samples)
        return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else 0.0

    @property
    def most(self) -> float:
        return max((value for _, value in self.samples), default=0.0)

    @property
    def caught_up_s(self) -> float | None:
        """From the trouble's end; 0 if it never showed, None if it has not ended."""
        before = [v for at, v in self.samples if WARM_S <= at < self.begins]
        calm = CALM * max(before, default=STEP_S)
        after = [(at, value) for at, value in self.samples if at >= self.ends]
        for number, (at, _) in enumerate(after):
            stretch = after[number : number + STAYS]
            if len(stretch) == STAYS and all(value <= calm for _, value in stretch):
                return at - self.ends if number else 0.0
        return None


def of_chains(chains: Sequence[Chain], scenario: Scenario, seen_s: float) -> Lag:
    """The worst of all shards, each second, as whoever looks at the watermarks sees it."""
    steps = int(scenario.lasts_s / STEP_S)
    worst = [0.0] * (steps + 1)
    for chain in chains:
        counted, at = 0, 0
        for step in range(steps + 1):
            now = step * STEP_S
            while at < len(chain.batches) and chain.batches[at].ended <= now:
                counted += chain.batches[at].events
                at += 1
            oldest = chain.arrivals.moment(counted + 1)
            if oldest <= now:
                worst[step] = max(worst[step], now - oldest + seen_s)
    samples = tuple((step * STEP_S, value) for step, value in enumerate(worst))
    return Lag(samples, scenario.begins, scenario.ends)
