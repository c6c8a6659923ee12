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
    """Ages in seconds of the oldest event that was not counted, each `STEP_S` since the start."""

    shards: tuple[tuple[float, ...], ...]
    begins: float
    ends: float
    """Of the trouble."""

    @property
    def samples(self) -> list[tuple[float, float]]:
        """Moments, and the worst of all shards."""
        return [
            (step * STEP_S, max(each)) for step, each in enumerate(zip(*self.shards, strict=True))
        ]

    def share(self, part: float) -> float:
        """The lag that a shard does not exceed for this part of the time, once it is warm.

        Not the worst of all: whether shards turn their windows together is chance.
        """
        ordered = sorted(self._warm)
        return ordered[max(0, math.ceil(part * len(ordered)) - 1)] if ordered else 0.0

    @property
    def most(self) -> float:
        return max(self._warm, default=0.0)

    @property
    def _warm(self) -> list[float]:
        return [value for shard in self.shards for value in shard[int(WARM_S / STEP_S) :]]

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
    """What was simulated; what is not counted in the end is not forgotten."""
    shards = []
    for chain in chains:
        counted, batches = 0, []
        for batch in chain.batches:
            batches.append((chain.arrivals.moment(counted + 1), batch.ended))
            counted += batch.events
        shards.append([*batches, (chain.arrivals.moment(counted + 1), math.inf)])
    return of_batches(shards, scenario, seen_s)


def of_batches(
    shards: Sequence[Sequence[tuple[float, float]]], scenario: Scenario, seen_s: float = 0.0
) -> Lag:
    """From batches: when the first event of each came, and when it was counted; in order.

    `seen_s` is added to what lags at all.
    """
    steps = int(scenario.lasts_s / STEP_S)
    found = []
    for batches in shards:
        values, at = [], 0
        for now in (step * STEP_S for step in range(steps + 1)):
            while at < len(batches) and batches[at][1] <= now:
                at += 1
            waits = at < len(batches) and batches[at][0] <= now
            values.append(max(0.0, now - batches[at][0] + seen_s) if waits else 0.0)
        found.append(tuple(values))
    return Lag(tuple(found), scenario.begins, scenario.ends)
