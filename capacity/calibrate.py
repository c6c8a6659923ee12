"""A fleet's parameters from a steady run alone; and predictions beside what was measured."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from capacity.lag import WARM_S
from capacity.simulate import Parameters, chains, predict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capacity.lag import Lag
    from capacity.runs import Invocation, Run

LEAST_SPREAD: Final = 0.05
"""Of batch sizes, against their mean. Below it nobody can tell what is fixed from what is not."""
KEPT: Final = 0.95
"""Of the invocations; the slowest are somebody else's doing."""
WITHIN: Final = 0.25
ROUNDS: Final = 3
CAUGHT_UP: Final = "all caught up after"
"""The lag swings by a window from batch to batch, and so does the moment of this."""


class CannotTell(Exception):
    """The run does not say enough; the message says what is missing."""


def calibrate(steady: Run, lanes: float | None = None) -> Parameters:
    """What the fleet is like, from a run in which nothing happened.

    `lanes`: see `Parameters`; the machine's cores when not given. Raises: `CannotTell`, `NotARun`.
    """
    if steady.away or steady.bursts:
        raise CannotTell(f"a run of kind {steady.kind} is not steady")
    warm = [each for each in steady.batches if each.began >= WARM_S]
    fixed, per_event = fit(warm)
    turn, turn_per_event = fit(turns(warm, steady.window_s))
    found = Parameters(
        shards=steady.shards,
        events_s=steady.events_s,
        most=steady.most,
        fixed_s=fixed,
        per_event_s=per_event,
        shares=_shares(warm, steady.shards),
        spread=_spread(warm, fixed, per_event),
        window_s=steady.window_s,
        lanes=float(steady.cores) if lanes is None else lanes,
        turn_s=turn,
        turn_per_event_s=turn_per_event,
        stroke_s=steady.stroke_s,
    )
    # An event is confirmed a little later than it comes: so much less the turn seemed to take.
    period = _period(_by_shard(warm))
    for _ in range(ROUNDS):
        simulated = [each.batches for each in chains(found, steady.scenario)]
        too_long = _period([[b.ended for b in batches] for batches in simulated]) - period
        found = replace(found, turn_s=max(0.0, found.turn_s - too_long))
    # What of the lag batches do not explain.
    seen = steady.lag.share(0.5) - predict(found, steady.scenario).lag.share(0.5)
    return replace(found, seen_s=seen)


def turns(batches: Sequence[Invocation], window_s: float) -> list[Invocation]:
    """What passed between two invocations of a shard besides the window, from when its first event
    was there: as if it were an invocation itself. Raises: `CannotTell`."""
    found = []
    for chain in _by_shard(batches, of=lambda each: each):
        for before, after in pairwise(chain):
            between = after.began - max(before.at, after.first) - window_s
            found.append(replace(after, seconds=max(0.0, between)))
    if not found:
        raise CannotTell("no shard has two invocations")
    return found


def _by_shard(
    batches: Sequence[Invocation], of: Callable[[Invocation], Any] = lambda each: each.at
) -> list[list[Any]]:
    chains: dict[str, list[Invocation]] = defaultdict(list)
    for each in sorted(batches, key=lambda each: each.at):
        chains[each.shard].append(each)
    return [[of(each) for each in chain] for chain in chains.values()]


def _period(ends: Sequence[Sequence[float]]) -> float:
    """How far the ends of a shard's invocations are apart, in the mean."""
    return statistics.fmean(
        (chain[-1] - chain[0]) / (len(chain) - 1) for chain in ends if len(chain) > 1
    )


def fit(batches: Sequence[Invocation]) -> tuple[float, float]:
    """Seconds an invocation, and seconds an event more. Neither is below zero.

    Least squares, once with all and once without the slowest. Raises: `CannotTell`.
    """
    if len(batches) < 3:
        raise CannotTell(f"{len(batches)} invocations are too few")
    sizes = [each.events for each in batches]
    if statistics.pstdev(sizes) < LEAST_SPREAD * statistics.fmean(sizes):
        raise CannotTell("all batches are of one size: put events in uneven strokes")
    fixed, per_event = _line(batches)
    late = sorted(batches, key=lambda each: each.seconds - fixed - per_event * each.events)
    return _line(late[: max(3, int(len(late) * KEPT))])


def _shares(batches: Sequence[Invocation], shards: int) -> tuple[float, ...]:
    """Raises: `CannotTell` when a shard counted nothing."""
    counted: dict[str, int] = defaultdict(int)
    for each in batches:
        counted[each.shard] += each.events
    if len(counted) != shards:
        raise CannotTell(f"{len(counted)} of {shards} shards counted anything")
    return tuple(events / sum(counted.values()) for events in counted.values())


def _spread(batches: Sequence[Invocation], fixed: float, per_event: float) -> float:
    """How uneven invocations are that should take the same time; the slowest left out again."""
    off = sorted(each.seconds / (fixed + per_event * each.events) for each in batches)
    return statistics.pstdev(off[: max(2, int(len(off) * KEPT))])


def _line(batches: Sequence[Invocation]) -> tuple[float, float]:
    sizes, seconds = [each.events for each in batches], [each.seconds for each in batches]
    slope, start = statistics.linear_regression(sizes, seconds)
    if slope < 0:
        return statistics.fmean(seconds), 0.0
    if start < 0:  # through the origin, then
        return 0.0, sum(seconds) / sum(sizes)
    return start, slope


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure of one run, predicted and measured, in seconds; None: it did not happen."""

    kind: str
    what: str
    predicted: float | None
    measured: float | None
    nothing_s: float = 0.0
    """A difference that is none: from one batch to the next nobody can tell."""

    @property
    def error(self) -> float | None:
        """Of what was measured; None when one of both did not happen."""
        if self.predicted is None or self.measured is None:
            return None
        if self.measured == 0:
            return 0.0 if self.predicted == 0 else float("inf")
        return (self.predicted - self.measured) / self.measured

    @property
    def is_close(self) -> bool:
        if self.error is None:
            return self.predicted is None and self.measured is None
        return abs(self.error) <= WITHIN or self._differ_by <= self.nothing_s

    @property
    def _differ_by(self) -> float:
        return abs((self.predicted or 0.0) - (self.measured or 0.0))


def compare(fleet: Parameters, run: Run) -> list[Verdict]:
    """What the fleet was predicted to do in this run's scenario, beside what it did.

    What was predicted before the run stands, if the file says it. Otherwise the load and the
    troubles are the run's own, as if they had been known. Raises: `NotARun`.
    """
    known = replace(fleet, events_s=run.events_s, stroke_s=run.stroke_s)
    predicted = dict(run.predicted) or figures(predict(known, run.scenario).lag)
    return [
        Verdict(
            run.kind, what, predicted.get(what), value, run.window_s if what == CAUGHT_UP else 0.0
        )
        for what, value in figures(run.lag).items()
    ]


def figures(lag: Lag) -> dict[str, float | None]:
    """What is compared."""
    found = {
        "a shard's lag, median": lag.share(0.5),
        "99 of 100": lag.share(0.99),
        "most": lag.most,
    }
    had_trouble = lag.begins < lag.samples[-1][0] - WARM_S
    return found | ({CAUGHT_UP: lag.caught_up_s} if had_trouble else {})
