"""When CloudWatch calls an alarm red: periods, M out of N, and what is missing.

The rules are those of the CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing
data"; its tables are this module's unit tests.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Values = Sequence[float | None]

ALARM, OK, INSUFFICIENT = "ALARM", "OK", "INSUFFICIENT_DATA"

MINUTE = 60
LOOKED_BACK = 2
"""AWS looks at more periods than N and does not say how many. The guide's examples: two."""

COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
}
FILLED = {"breaching": "Breaching", "notBreaching": "NonBreaching"}

P = TypeVar("P", bound="Mapping[str, Any]")


def window_end(now: float, period: int) -> float:
    """Where the last whole period ends. Longer ones slide by the minute, as on AWS."""
    step = min(period, MINUTE)
    return now - now % step


def in_periods(points: Iterable[P], end: float, period: int, count: int) -> list[list[P]]:
    """The points of each of the last `count` periods before `end`, the newest period last."""
    found: list[list[P]] = [[] for _ in range(count)]
    for point in points:
        age = math.ceil((end - point["Timestamp"]) / period)
        if 1 <= age <= count:
            found[count - age].append(point)
    return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """`state` is None when the alarm keeps the one that it has."""

    state: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """M of N datapoints beyond a threshold."""

    comparison: str
    threshold: float
    periods: int
    to_alarm: int
    missing: str = "missing"

    @classmethod
    def of(cls, alarm: Mapping[str, Any]) -> Rule:
        periods = int(alarm.get("EvaluationPeriods") or 1)
        return cls(
            comparison=alarm["ComparisonOperator"],
            threshold=float(alarm["Threshold"]),
            periods=periods,
            to_alarm=int(alarm.get("DatapointsToAlarm") or periods),
            missing=alarm.get("TreatMissingData") or "missing",
        )

    @property
    def range(self) -> int:
        """How many periods are looked at, in case some of the last N are missing."""
        return self.periods + LOOKED_BACK

    def judge(self, values: Values) -> Verdict:
        """What the values of the evaluation range say, the newest last; None is a missing one."""
        there = [value for value in values if value is not None][-self.periods :]
        bad = sum(map(self._breaches, there))
        absent = self.periods - len(there)
        if absent and self.missing in FILLED:
            filled_bad = absent if self.missing == "breaching" else 0
            return self._crossed(there, bad + filled_bad, absent)
        if not there:
            keeps = Verdict(None)
            unknown = f"Insufficient Data: {absent} {_datapoints(absent)} unknown."
            return keeps if self.missing == "ignore" else Verdict(INSUFFICIENT, unknown)
        if absent and bad < self.to_alarm and self._is_old_enough(values):
            return Verdict(None) if self.missing == "ignore" else self._told(ALARM, there, absent)
        return self._crossed(there, bad, 0)

    def _breaches(self, value: float) -> bool:
        compare, _ = COMPARISONS[self.comparison]
        return compare(value, self.threshold)

    def _is_old_enough(self, values: Values) -> bool:
        """Fewer than M, but all bad, and the oldest has been waiting for M periods: red."""
        ages = [len(values) - place for place, value in enumerate(values) if value is not None]
        return max(ages) >= self.to_alarm and all(
            self._breaches(value) for value in values if value is not None
        )

    def _crossed(self, there: Sequence[float], bad: int, filled: int) -> Verdict:
        return self._told(ALARM if bad >= self.to_alarm else OK, there, filled)

    def _told(self, state: str, there: Sequence[float], filled: int) -> Verdict:
        _, words = COMPARISONS[self.comparison]
        seen = ", ".join(str(float(value)) for value in there)
        known = f"{len(there)} {_datapoints(len(there))} received [{seen}]"
        missing = f"{filled} missing treated as [{FILLED.get(self.missing, 'Missing')}]"
        facts = " and ".join([known, missing] if filled else [known])
        measure = f"{self.to_alarm} out of {self.periods} {words} the threshold ({self.threshold})"
        crossed = "Threshold Crossed" if state == ALARM else "Threshold not crossed"
        return Verdict(state, f"{crossed}: {facts}; ALARM at {measure}.")


def _datapoints(count: int) -> str:
    return "datapoint was" if count == 1 else "datapoints were"
