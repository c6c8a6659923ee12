"""Which of AWS's own metrics the laptop has a source of, and what is measured now and then.

What functions and people publish needs no source here. What AWS's services publish has one only if
a hook says so: an alarm on any other would take silence for news.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from local.alarm_rules import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Point = dict[str, Any]

SERVICES = ("AWS/", "ECS/ContainerInsights")


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a metric, in an account's region."""

    account: str
    region: str
    namespace: str
    name: str
    value: float
    unit: str
    dimensions: dict[str, str]


@dataclass(slots=True)
class Metrics:
    """Filled by hooks when they are installed."""

    gauges: list[Callable[[], Iterable[Reading]]] = field(default_factory=list)
    _given: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def give(self, namespace: str, *names: str) -> None:
        """These metrics of a service come to be here."""
        self._given[namespace] |= {*names}

    def measure(self, gauge: Callable[[], Iterable[Reading]]) -> None:
        """Ask this every few seconds, and record what it says."""
        self.gauges.append(gauge)

    def has(self, namespace: str, name: str) -> bool:
        if not namespace.startswith(SERVICES):
            return True
        return name in self._given.get(namespace, ())


def by_the_minute(points: Iterable[Point], before: float) -> list[Point]:
    """The same points, with one statistic set in place of those of each minute that was over then.

    CloudWatch does so too with data finer than a minute, after three hours.
    """
    fine = before - before % MINUTE

    def minute(point: Point) -> tuple[float, bool]:
        moment = point["Timestamp"]
        return (moment, False) if moment >= fine else (moment // MINUTE, True)

    made: list[Point] = []
    for (_, old), group in groupby(points, minute):
        together = list(group)
        made += [_set_of(together)] if old and len(together) > 1 else together
    return made


def _set_of(points: list[Point]) -> Point:
    values = [point["Value"] for point in points]
    statistics = {
        "SampleCount": len(values),
        "Sum": sum(values),
        "Minimum": min(values),
        "Maximum": max(values),
    }
    return points[0] | {"Value": sum(values) / len(values), "_stat": statistics}
