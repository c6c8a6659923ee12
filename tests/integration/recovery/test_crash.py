"""A drill that is killed anywhere goes on, by the same run or by the next, and leaves nothing.

Here one point of each kind of call; all of them by `make prove ROOM=recovery`.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

import pytest

from streamflix import hold
from tests.integration.recovery.platform import HOLD
from tests.integration.seams import Point, Seams, in_child

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.recovery.platform import Platform

EVERY_POINT = os.environ.get("RECOVERY_CRASH_POINTS") == "0"
PARTS = 8
MOST = 120
"""Points that are tried at most, spread over all of them: each takes some seconds."""
FEWEST = 40
"""Recorded points; fewer means that a seam was lost."""

RUNS = (f"crash-{number}" for number in itertools.count(1))


def drill(platform: Platform, run: str) -> None:
    """As the state machine goes through it; what was done before does nothing."""
    platform.step(run, "begin", input={"mode": "drill", "target": "latest"})
    platform.step(run, "restore")
    address = platform.step(run, "instance")["address"]
    platform.step(run, "master")
    platform.inside(address, "logins")
    measured = platform.inside(address, "verify")
    done = {"replayed": {"accounts": 0}, "migrated": {"schemaVersion": 6}}
    platform.step(run, "report", measured=measured, **done)
    platform.step(run, "clean")


@pytest.fixture(scope="module")
def recorded() -> list[Point]:
    """Filled by the first test that needs it: the points of a drill that nobody disturbs."""
    return []


def record(platform: Platform) -> list[Point]:
    def clean(write: Any) -> None:
        seams = Seams()
        seams.install()
        drill(platform, next(RUNS))
        write("\n".join(seams.names))

    status, told = in_child(clean)
    assert status == 0, "a clean drill failed"
    next(RUNS)  # the child's count is not ours
    return [
        Point(number, after, name)
        for number, name in enumerate(told.split("\n"))
        for after in (False, True)
    ]


def one_of_each_kind(points: list[Point]) -> list[Point]:
    """By turns before and after it."""
    last = {(point.name, point.after): point for point in points}
    names = sorted({point.name for point in points})
    return [last[name, bool(number % 2)] for number, name in enumerate(names)]


def spread(points: list[Point], most: int) -> list[Point]:
    """So many of them, before and after calls of every part; the last comes from the end."""
    step = max(1, -(-len(points) // most) | 1)  # odd, so that before and after take turns
    return points[::-1][::step][::-1]


def killed(platform: Platform, point: Point) -> bool:
    """Kill a drill there; False when it was shorter than the one that was recorded."""
    before, run = platform.names(), next(RUNS)

    def die(_: Any) -> None:
        Seams(point).install()
        drill(platform, run)

    status, _ = in_child(die)
    if status == 0:
        return False
    assert os.WIFSIGNALED(status), f"failed before it reached {point}"
    if point.number % 2:  # nobody redrives it: its lease ends, and the next week's drill comes
        hold.release(HOLD, run)
        run = next(RUNS)
    drill(platform, run)
    assert platform.doors().restores.known(run).outcome == "passed", point
    assert platform.names() == before, point
    hold.take(HOLD, "somebody", "else", "free", lease_seconds=1)
    hold.release(HOLD, "free")
    return True


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_anywhere_a_drill_ends_and_leaves_nothing(
    platform: Platform,
    recorded: list[Point],
    part: int,
    record_property: Callable[[str, object], None],
) -> None:
    platform.beat()
    if not recorded:
        recorded += record(platform)
    assert len(recorded) >= FEWEST
    chosen = spread(recorded, MOST) if EVERY_POINT else one_of_each_kind(recorded)
    mine = chosen[part::PARTS]

    reached = [point for point in mine if killed(platform, point)]

    # How often AWS is asked whether it is ready differs from drill to drill.
    assert len(reached) >= len(mine) * 3 // 4
    record_property(f"points-{part}", len(mine))
    record_property(f"killed-{part}", len(reached))
