"""A fleet's parameters from a steady run alone; and predictions beside what was measured."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from capacity.lag import WARM_S
from capacity.simulate import Parameters, predict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity.runs import Invocation, Run

LEAST_SPREAD: Final = 0.05
"""Of batch sizes, against their mean. Below it nobody can tell what is fixed from what is not."""
KEPT: Final = 0.95
"""Of the invocations; the slowest are somebody else's doing."""
WITHIN: Final = 0.25


class CannotTell(Exception):
    """The run does not say enough; the message says what is missing."""


def calibrate(steady: Run, lanes: float | None = None) -> Parameters:
    """What the fleet is like, from a run in which nothing happened.

    `lanes`: see `Parameters`; the machine's cores when not given. Raises: `CannotTell`, `NotARun`.
    """
    if steady.away or steady.bursts:
        raise CannotTell(f"a run of kind {steady.kind} is not steady")
    fixed, per_event = fit(steady.batches)
    found = Parameters(
        shards=steady.shards,
        events_s=steady.events_s,
        most=steady.most,
        fixed_s=fixed,
        per_event_s=per_event,
        window_s=steady.window_s,
        lanes=float(steady.cores) if lanes is None else lanes,
    )
    # What the lag has in addition to what batches explain.
    seen = _middle(steady) - predict(found, steady.scenario).lag.share(0.5)
    return replace(found, seen_s=max(0.0, seen))


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


def _line(batches: Sequence[Invocation]) -> tuple[float, float]:
    sizes, seconds = [each.events for each in batches], [each.seconds for each in batches]
    slope, start = statistics.linear_regression(sizes, seconds)
    if slope < 0:
        return statistics.fmean(seconds), 0.0
    if start < 0:  # through the origin, then
        return 0.0, sum(seconds) / sum(sizes)
    return start, slope


def _middle(run: Run) -> float:
    return statistics.median([value for at, value in run.lag.samples if at >= WARM_S])


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure of one run, predicted and measured, in seconds; None: it did not happen."""

    kind: str
    what: str
    predicted: float | None
    measured: float | None

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
        return abs(self.error) <= WITHIN


def compare(fleet: Parameters, run: Run) -> list[Verdict]:
    """What the fleet was predicted to do in this run's scenario, beside what it did.

    The load and the troubles are the run's own: they were its input. Raises: `NotARun`.
    """
    predicted = predict(replace(fleet, events_s=run.events_s), run.scenario).lag
    measured = run.lag
    verdicts = [
        Verdict(run.kind, "lag, median", predicted.share(0.5), measured.share(0.5)),
        Verdict(run.kind, "lag, 99 of 100", predicted.share(0.99), measured.share(0.99)),
        Verdict(run.kind, "lag, most", predicted.most, measured.most),
    ]
    if run.away or run.bursts:
        caught_up = predicted.caught_up_s, measured.caught_up_s
        verdicts.append(Verdict(run.kind, "caught up after", *caught_up))
    return verdicts
