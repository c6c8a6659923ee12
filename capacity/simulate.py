"""The consumers of a stream, batch by batch: waiting for the database, halves, catching up.

As stacks/analytics.yaml sets the event source, as Lambda reads (local/event_source.py restates it),
and as functions/analytics/patience.py waits. Everything that is drawn comes from one seed.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from capacity.arrivals import Arrivals, Burst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity.lag import Lag

# functions/analytics/patience.py
SHARE_LEFT: Final = 0.2
FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 3.0
# Lambda repeats a batch of one record, which cannot be halved, after a wait that doubles.
FIRST_REPEAT_S: Final = 0.2
LONGEST_REPEAT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a fleet is like; seconds and events."""

    shards: int
    events_s: float
    """Of all shards together, when nothing is the matter."""
    most: int
    """Events in an invocation."""
    fixed_s: float
    """An invocation, however many events it brings."""
    per_event_s: float
    shares: tuple[float, ...] = ()
    """Of each shard, of all events; none: all the same."""
    spread: float = 0.0
    """One standard deviation of an invocation's time, as a part of it."""
    window_s: float = 1.0
    seen_s: float = 0.0
    """What a lag is greater than the one computed: until an event is readable, and a count seen.
    Less, where the sender's clock starts when the stream has answered."""
    lanes: float = math.inf
    """How many shards can be worked at as fast as one alone: a laptop's cores, or the writer's."""
    read_events_s: float = math.inf
    """What one shard gives to its reader: 2 MB/s on AWS, no limit on the laptop."""
    turn_s: float = 0.0
    """From the end of one invocation to the next one's beginning, besides the window: who reads the
    stream and who calls the function need it."""
    turn_per_event_s: float = 0.0
    stroke_s: float = 0.0
    """Events come so far apart, many at once and for all shards; 0: evenly."""
    reconnect_s: float = 0.5
    """From the database's return to the first statement that succeeds."""
    timeout_s: float = 60.0

    @property
    def crowding(self) -> float:
        """How much longer everything takes when all shards are behind."""
        return max(1.0, self.shards / self.lanes)

    @property
    def capacity_events_s(self) -> float:
        """Of one shard, in full batches, when all are behind."""
        alone = self.fixed_s + self.per_event_s * self.most
        turn = self.turn_s + self.turn_per_event_s * self.most
        return min(self.read_events_s, self.most / (self.crowding * alone + turn))


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens, in seconds since the start."""

    name: str
    lasts_s: float
    away: tuple[tuple[float, float], ...] = ()
    """From when to when the database refuses everybody."""
    bursts: tuple[Burst, ...] = ()
    waves: tuple[Burst, ...] = ()
    """How uneven the load is by itself: no trouble."""
    hangs: bool = False
    """The database that is away refuses nobody: it answers nobody until another takes its place,
    sooner than an invocation is over."""

    @property
    def begins(self) -> float:
        """Of the first trouble; the end when there is none."""
        moments = [begins for begins, _ in self.away] + [each.begins for each in self.bursts]
        return min(moments, default=self.lasts_s)

    @property
    def ends(self) -> float:
        """Of the last trouble."""
        moments = [ends for _, ends in self.away] + [each.ends for each in self.bursts]
        return max(moments, default=self.lasts_s)


@dataclass(frozen=True, slots=True)
class Batch:
    """An invocation that ended well, and when it was called and committed."""

    began: float
    ended: float
    events: int


@dataclass
class Chain:
    """One shard: one invocation at a time, in order."""

    fleet: Parameters
    arrivals: Arrivals
    away: Sequence[tuple[float, float]]
    hangs: bool
    rng: random.Random
    now: float = 0.0
    counted: int = 0
    failed: int = 0
    """Invocations that ended in an error."""
    batches: list[Batch] = field(default_factory=list)

    def run(self, until: float) -> None:
        while True:
            size = self._gather()
            if size == 0 or self.now >= until:
                return
            self._deliver(size, until)

    def _gather(self) -> int:
        """Wait until a batch is full, or its first event has been looked at for the window."""
        first = max(self.now, self.arrivals.moment(self.counted + 1))
        if first == math.inf:
            return 0
        full = self.arrivals.moment(self.counted + self.fleet.most)
        self.now = max(first, min(full, first + self.fleet.window_s))
        return min(self.fleet.most, self.arrivals.count(self.now) - self.counted)

    def _deliver(self, size: int, until: float) -> None:
        """In order to the end; what failed is halved, the first half first."""
        waiting, repeats = [size], 0
        while waiting and self.now < until:
            size = waiting.pop()
            self.now += self.fleet.turn_s + self.fleet.turn_per_event_s * size
            if self._attempt(size):
                repeats = 0
            elif size > 1:
                waiting += [size - size // 2, size // 2]
            else:
                waiting.append(size)
                self.now += min(FIRST_REPEAT_S * 2**repeats, LONGEST_REPEAT_S)
                repeats += 1

    def _attempt(self, size: int) -> bool:
        """One invocation: it waits for the database while it has time."""
        began = self.now
        give_up = began + self.fleet.timeout_s * (1 - SHARE_LEFT)
        work = self._work(size) * max(0.5, self.rng.gauss(1.0, self.fleet.spread))
        wait = FIRST_WAIT_S
        while (noticed := self._refused(self.now, self.now + work)) is not None:
            pause = wait * self.rng.uniform(0.5, 1.0)
            self.now = noticed  # by then it is back, if it hung
            if give_up - noticed < pause:
                self.failed += 1
                return False
            self.now += pause
            wait = min(2 * wait, LONGEST_WAIT_S)
        self.now += work
        self.counted += size
        self.batches.append(Batch(began, self.now, size))
        return True

    def _work(self, size: int) -> float:
        alone = self.fleet.fixed_s + self.fleet.per_event_s * size
        is_behind = self.arrivals.count(self.now) - self.counted >= self.fleet.most
        if not is_behind:
            return alone
        # The next batch is read while this one is worked at.
        return max(alone * self.fleet.crowding, size / self.fleet.read_events_s)

    def _refused(self, begins: float, ends: float) -> float | None:
        """When work between these moments meets a database that is away, if it does."""
        for gone, back in self.away:
            if self.hangs and begins < back and ends > gone:
                return back
            if not self.hangs and begins < back + self.fleet.reconnect_s and ends > gone:
                return max(begins, gone)
        return None


@dataclass(frozen=True)
class Prediction:
    scenario: Scenario
    lag: Lag
    events: int
    """That came."""
    counted: int
    left: int
    batches: int
    failed: int
    largest: int
    """Events of the largest batch."""


def chains(fleet: Parameters, scenario: Scenario, seed: int = 1) -> list[Chain]:
    """Each shard worked through until the end of the scenario."""
    rng = random.Random(seed)  # noqa: S311  spreads load, guards nothing
    found = []
    for share in fleet.shares or (1 / fleet.shards,) * fleet.shards:
        loads = (*scenario.bursts, *scenario.waves)
        coming = Arrivals(fleet.events_s * share, loads, rng.random(), fleet.stroke_s)
        # Shards do not turn their windows at the same moment, unless events come for all at once.
        begins = 0.0 if fleet.stroke_s else rng.random() * fleet.window_s
        chain = Chain(
            fleet,
            coming,
            scenario.away,
            scenario.hangs,
            random.Random(rng.random()),  # noqa: S311
            now=begins,
        )
        chain.run(scenario.lasts_s)
        found.append(chain)
    return found


def predict(fleet: Parameters, scenario: Scenario, seed: int = 1) -> Prediction:
    """What this fleet makes of this scenario. The same seed says the same."""
    from capacity.lag import of_chains

    found = chains(fleet, scenario, seed)
    ended = [b for chain in found for b in chain.batches if b.ended <= scenario.lasts_s]
    events = sum(chain.arrivals.count(scenario.lasts_s) for chain in found)
    counted = sum(batch.events for batch in ended)
    return Prediction(
        scenario,
        of_chains(found, scenario, fleet.seen_s),
        events,
        counted,
        events - counted,
        len(ended),
        sum(chain.failed for chain in found),
        max((batch.events for batch in ended), default=0),
    )
