"""What an event costs, as `make bench ROOM=analytics` has measured it."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BATCH: Final = 6_000
"""Plain events of an invocation in the bench; what is spent once for each is in its figures."""
PACKED: Final = 12_000
"""The same in aggregates."""
IN_AGGREGATES: Final = "12,000 in aggregates"
NEEDED: Final = ("viewer", "title", "sizes", "kpl", "init")


class NotMeasured(Exception):
    """There are no figures to compute with; the message says which command makes them."""


@dataclass(frozen=True, slots=True)
class Cost:
    """µs of CPU for an event, on one core of the machine that measured; the peak in MB."""

    python: float
    """The handler, from the parsed event to its return."""
    postgres: float
    """Adding up included."""
    merge: float
    """Of that: adding up what was appended."""
    redis: float
    envelope: float
    """What Lambda's runtime spends before the handler: it parses the invocation's JSON."""
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Costs:
    viewer: Mapping[str, Cost]
    """By who was measured, in a shard that sees every title (keyed by viewer)."""
    title: Mapping[str, Cost]
    """The same in a shard of few titles (keyed by title and salt)."""
    fixed_us: float
    """µs of Python for an invocation, however many events it brings."""
    packed_us: float
    """µs of Python for an event that comes in an aggregate, keyed by title."""
    kpl_us: Mapping[str, float]
    """µs to take an aggregate apart and add it up, for an event: our way, and the library's."""
    init_s: float
    """Seconds of CPU until a new process is ready."""

    @classmethod
    def read(cls, path: Path) -> Costs:
        """Raises: `NotMeasured`."""
        try:
            found = json.loads(path.read_text())
        except FileNotFoundError:
            raise NotMeasured(
                f"{path} does not exist: run make bench ROOM=analytics first"
            ) from None
        except ValueError as error:
            raise NotMeasured(
                f"{path} is no JSON ({error}): run make bench ROOM=analytics"
            ) from None
        return cls.of(found)

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Costs:
        """From the bench's JSON. Raises: `NotMeasured`."""
        if missing := [name for name in NEEDED if name not in found]:
            raise NotMeasured(
                f"the bench's figures lack {', '.join(missing)}: run make bench ROOM=analytics"
            )
        try:
            sizes: dict[str, float] = found["sizes"]
            return cls(
                viewer=_costs(found["viewer"]),
                title=_costs(found["title"]),
                fixed_us=fixed(sizes),
                packed_us=1e6 / sizes[IN_AGGREGATES],
                kpl_us={way: float(found["kpl"][way]) for way in ("kpl", "kpl-library")},
                init_s=found["init"]["the consumer"],
            )
        except (KeyError, TypeError, ZeroDivisionError) as error:
            raise NotMeasured(
                f"the bench's figures are not as they should be ({type(error).__name__}: {error})"
            ) from None


def fixed(sizes: Mapping[str, float]) -> float:
    """µs an invocation, by the straight line through the batches of plain events; never below 0.

    `sizes` gives events/s for a core, by the batch's events as text: ``{"1,000": 150000.0}``. Each
    batch's time is `fixed + each * events`; relative distances count, or the largest would decide.
    """
    taken = [(float(name.replace(",", "")), 1e6 / speed) for name, speed in sizes.items()
             if name != IN_AGGREGATES]  # fmt: skip
    if len(taken) < 2:
        return 0.0
    # An event's time is each + fixed / events: a line over 1 / events, weighted by 1 / time².
    points = [(1 / events, us, us**-2) for events, us in taken]
    weight = sum(w for _, _, w in points)
    mean_x = sum(w * x for x, _, w in points) / weight
    mean_y = sum(w * y for _, y, w in points) / weight
    spread = sum(w * (x - mean_x) ** 2 for x, _, w in points)
    slope = sum(w * (x - mean_x) * (y - mean_y) for x, y, w in points) / spread
    return max(0.0, slope)


def _costs(found: Mapping[str, Mapping[str, float]]) -> dict[str, Cost]:
    names = [each.name for each in fields(Cost)]
    return {
        who: Cost(**{name: float(figures[name]) for name in names})
        for who, figures in found.items()
    }
