"""A rotation that is killed anywhere converges, and locks nobody out.

Here a sample of the points; all of them by `make prove ROOM=rotation`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.integration.rotation import crash

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.rotation.conftest import Rig

SAMPLE = int(os.environ.get("ROTATION_CRASH_POINTS", "4"))
"""Points for each login and recovery; 0 for all."""

FEWEST = {"master": 40, "app": 40, "analytics": 60, "redis/ops": 60}
"""Recorded points; fewer means that a seam was lost, not that rotation became safer."""

NOT_REACHED = 6
"""A rotation may be a call or three shorter than the recorded one: how many versions it tries
depends on those that others have left."""

LOCKOUTS = {"master": 4, "app": 4, "analytics": 0, "redis/ops": 0}
"""Places in which a kill leaves a bare client with AWSCURRENT refused until the recovery."""


@pytest.mark.parametrize("cleared", [False, True], ids=["same-token", "cleared-label"])
@pytest.mark.parametrize("login", list(FEWEST))
def test_killed_anywhere_a_rotation_converges(
    rig: Rig, login: str, cleared: bool, record_property: Callable[[str, object], None]
) -> None:
    points = crash.record(rig, login)
    assert len(points) >= FEWEST[login]
    if SAMPLE:
        share = SAMPLE // 2 if login.startswith("redis/") else SAMPLE  # its nodes take their time
        step = max(1, len(points) // share)
        chosen = points[len(points) // 2 % step :: step]
        aftermaths = [crash.kill(rig, login, point, cleared=cleared) for point in chosen]
        left = [each for each in aftermaths if each is not None]
        assert len(chosen) - len(left) <= NOT_REACHED
    else:
        left = list(crash.kill_everywhere(rig, login, cleared=cleared))
        assert len(left) >= len(points) - NOT_REACHED

    assert [str(each.point) for each in left if not each.converged] == []
    locked_out = sorted({each.place for each in left if not each.current_logs_in})
    assert len(locked_out) <= LOCKOUTS[login], locked_out
    assert [str(each.point) for each in left if not each.ladder_logs_in] == []
    record_property("points", len(points))
    record_property("killed", len(left))
    record_property("locked out", len(locked_out))
