"""How many rows a batch becomes: its events share cells of minute, title, country and device.

Expected values under stated popularities; nothing is drawn. A batch that spans the turn of a minute
makes some more.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TITLES: Final = 5_000
ALONE: Final = 64
"""The most popular titles are computed one by one, the others in groups."""
GROWTH: Final = 1.12
GRID: Final = 400
LEAST, MOST = 1e-8, 1e9


@cache
def zipf(count: int) -> tuple[float, ...]:
    """Shares of the first, second, … when the nth is n times rarer than the first."""
    whole = math.fsum(1 / rank for rank in range(1, count + 1))
    return tuple(1 / rank / whole for rank in range(1, count + 1))


def ceil_salts(share: float, shards: int) -> int:
    """As many as the title would fill shards. The bench's way."""
    return math.ceil(share * shards)


def producer_salts(share: float, shards: int) -> int:
    """What `streamflix.producer` advises when there are more than some thirty shards."""
    return 1 + round(16 * share * shards)


@dataclass(frozen=True)
class Audience:
    """How titles are watched, and from where and on what; shares add up to 1."""

    pairs: tuple[float, ...]
    """Of each country and device, together."""
    titles: int = TITLES

    @cached_property
    def groups(self) -> Sequence[tuple[float, int]]:
        """Titles of about the same popularity: the share of each, and how many they are."""
        shares, found, at = zipf(self.titles), [], 0
        while at < self.titles:
            end = at + 1 if at < ALONE else min(self.titles, math.ceil(at * GROWTH))
            found.append((sum(shares[at:end]) / (end - at), end - at))
            at = end
        return found

    @cached_property
    def _grid(self) -> tuple[list[float], list[float]]:
        step = math.log(MOST / LEAST) / GRID
        events = [LEAST * math.exp(step * number) for number in range(GRID + 1)]
        return events, [
            math.fsum(-math.expm1(-each * pair) for pair in self.pairs) for each in events
        ]

    def rows_of_title(self, events: float) -> float:
        """Rows that so many events of one title become, in the mean of a Poisson's draws."""
        events = min(max(events, LEAST), MOST)
        xs, ys = self._grid
        at = min(bisect_right(xs, events), GRID) - 1
        part = math.log(events / xs[at]) / math.log(xs[at + 1] / xs[at])
        return float(ys[at] * (ys[at + 1] / ys[at]) ** part)

    def rows_by_viewer(self, events: float) -> float:
        """Rows of a batch in a shard that sees every title."""
        return sum(count * self.rows_of_title(events * share) for share, count in self.groups)

    def rows_by_title(
        self, events: float, shards: int, salts: Callable[[float, int], int] = producer_salts
    ) -> float:
        """Rows of a batch in a shard that sees those titles whose salts lead there."""
        rows = 0.0
        for share, count in self.groups:
            number = salts(share, shards)
            here = number / shards
            if here > 30:  # every shard has about as many of them
                rows += count * self.rows_of_title(events * share)
                continue
            each = events * share * shards / number
            chance, salts_here, left = math.exp(-here), 0, 1.0
            while left > 1e-6:
                left -= chance
                salts_here += 1
                chance *= here / salts_here
                rows += count * chance * self.rows_of_title(each * salts_here)
        return rows


def _mix(countries: Sequence[float], devices: Sequence[float]) -> tuple[float, ...]:
    return tuple(country * device for country in countries for device in devices)


WORLD: Final = Audience(_mix(zipf(27), (0.50, 0.30, 0.05, 0.10, 0.03, 0.02)))
"""27 countries by Zipf, six devices of which television leads: an assumption."""
BENCH_ROWS: Final = {"viewer": 0.70, "title": 0.081}
"""Rows for an event in the bench's batches of 6,000, counted in what bench/analytics/day.py makes.
Its shard of few titles has fewer than most."""
BENCH_FINAL: Final = 0.38
"""Rows for an event in the end, keyed by viewer, when all its batches are added up: counted."""
