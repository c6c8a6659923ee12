"""How far counts are behind events, and when they have caught up; measured or computed alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity.simulate import Chain, Scenario

STEP_S: Final = 0.25
WARM_S: Final = 5.0
"""The first seconds say nothing: nobody has gathered a batch yet."""
CALM: Final = 1.25
"""Caught up is who lags by no more than this much of the worst before the trouble."""
STAYS_S: Final = 3.0
"""For so long."""


@dataclass(frozen=True, slots=True)
class Lag:
    """Ages in seconds of the oldest event that was not counted, at moments since the start."""

    samples: tuple[tuple[float, float], ...]
    begins: float
    ends: float
    """Of the trouble."""

    def share(self, part: float) -> float:
        """The lag that this part of all samples does not exceed, once it is warm."""
        ordered = sorted(self._warm)
        return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else 0.0

    @property
    def most(self) -> float:
        return max(self._warm, default=0.0)

    @property
    def _warm(self) -> list[float]:
        return [value for at, value in self.samples if at >= WARM_S]

    @property
    def caught_up_s(self) -> float | None:
        """From the trouble's end; 0 if it never showed, None if it has not ended."""
        before = [v for at, v in self.samples if WARM_S <= at < self.begins]
        calm = CALM * max(before, default=1.0)
        after = [(at, value) for at, value in self.samples if at >= self.ends]
        since: float | None = self.ends
        for at, value in after:
            if value > calm:
                since = None
            elif since is None:
                since = at
            if since is not None and at - since >= STAYS_S:
                return since - self.ends
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
