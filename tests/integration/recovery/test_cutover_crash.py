"""A cutover that is killed anywhere, its adoption included, is gone on with to the same end.

Here one point of each kind of call that a drill does not make; many more by
`make prove ROOM=recovery`.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

import pytest

from streamflix import hold
from tests import described
from tests.integration.local.laptop import CLUSTER
from tests.integration.recovery.platform import HOLD
from tests.integration.recovery.takeover import EVERYBODY, lets_in
from tests.integration.recovery.test_crash import one_of_each_kind, spread
from tests.integration.seams import Point, Seams, in_child

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.recovery.takeover import Stage

EVERY_POINT = os.environ.get("RECOVERY_CRASH_POINTS") == "0"
MOST = 60
"""Points that are tried at most, spread over all of them: each takes some seconds."""
PARTS = 12
FEWEST = 200
"""Recorded points; fewer means that a seam was lost."""
OF_A_CUTOVER = {
    "aws DeregisterDBProxyTargets",
    "aws DescribeDBProxyTargets",
    "aws DescribeScalableTargets",
    "aws FailoverDBCluster",
    "aws GetEventSourceMapping",
    "aws GetParameters",
    "aws ModifyDBInstance",
    "aws PutParameter",
    "aws RegisterDBProxyTargets",
    "aws RegisterScalableTarget",
    "aws RemoveTagsFromResource",
    "aws UpdateEventSourceMapping",
}

RUNS = (f"killed-{number}" for number in itertools.count(1))


def all_of_it(stage: Stage, run: str) -> None:
    stage.take_over(run)
    stage.adopt()


@pytest.fixture(scope="module")
def recorded() -> list[Point]:
    """Filled by the first test that needs it: the points of a cutover that nobody disturbs."""
    return []


def record(stage: Stage) -> list[Point]:
    run = next(RUNS)

    def clean(write: Any) -> None:
        seams = Seams()
        seams.install()
        all_of_it(stage, run)
        write("\n".join(seams.names))

    status, told = in_child(clean)
    assert status == 0, "a clean cutover failed"
    stage.forget(stage.doors().restores.known(run).aside_name(CLUSTER))
    return [
        Point(number, after, name)
        for number, name in enumerate(told.split("\n"))
        for after in (False, True)
    ]


def chosen(points: list[Point]) -> list[Point]:
    if EVERY_POINT:
        return spread(points, MOST)
    return [each for each in one_of_each_kind(points) if each.name in OF_A_CUTOVER]


def killed(stage: Stage, point: Point) -> bool:
    """Kill a cutover there; False when it was shorter than the one that was recorded."""
    platform, run = stage.platform, next(RUNS)
    before, names, book = stage.described(), platform.names(), stage.book()
    confirm = stage.confirmation()

    def die(_: Any) -> None:
        Seams(point).install()
        all_of_it(stage, run)

    status, _ = in_child(die)
    if status != 0:
        assert os.WIFSIGNALED(status), f"failed before it reached {point}"
        known = platform.doors().restores.of(run)
        if known is None or known.complete_at is None:
            stage.take_over(run, confirm=confirm)
        if stage.doors().restores.unadopted():
            stage.adopt()
    restore = platform.doors().restores.known(run)
    stage.forget(restore.aside_name(CLUSTER))
    assert (restore.outcome, restore.waits_for_adoption) == ("passed", False), point
    assert described.differing(before, stage.described()) == {}, point
    assert platform.names() == names, point
    assert stage.book() == book | {"epoch": str(int(book["epoch"]) + 1)}, point
    assert lets_in(platform, stage.book()["writer"]) == EVERYBODY, point
    assert (stage.mapping_state(), stage.scaling(), stage.target()) == ("Enabled", {False}, CLUSTER)
    hold.take(HOLD, "somebody", "else", "free", lease_seconds=1)
    hold.release(HOLD, "free")
    return status != 0


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_anywhere_a_cutover_ends_as_if_nobody_had_killed_it(
    stage: Stage,
    recorded: list[Point],
    part: int,
    record_property: Callable[[str, object], None],
) -> None:
    if not recorded:
        recorded += record(stage)
    assert len(recorded) >= FEWEST
    mine = chosen(recorded)[part::PARTS]

    reached = [point for point in mine if killed(stage, point)]

    # How often AWS is asked whether it is ready differs from one to the other.
    assert len(reached) >= len(mine) * 3 // 4
    record_property(f"points-cutover-{part}", len(mine))
    record_property(f"killed-cutover-{part}", len(reached))
