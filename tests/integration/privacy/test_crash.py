"""An erasure that is killed anywhere goes on and ends with the same receipt.

Here a sample of the points; all of them by `make prove ROOM=privacy`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tests.integration.privacy.conftest import settle
from tests.integration.seams import Point, Seams, in_child

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.flow import Flow

SAMPLE = int(os.environ.get("PRIVACY_CRASH_POINTS", "10"))
"""Points; 0 for all."""

FEWEST = 200
"""Recorded points; fewer means that a seam was lost, not that an erasure became safer."""

TABLES = ("account", "profile", "device", "watch_history", "rating", "invoice")


def know(stores: Stores) -> None:
    """The planner has just looked at every table, so it knows the person: all erasures have the
    same to forget, and the same number of calls."""
    for table in TABLES:
        stores.database.do("app_owner", f"ANALYZE app.{table}")


def record(flow: Flow, stores: Stores, who: Somebody) -> list[Point]:
    """Every point of a clean erasure."""
    know(stores)
    request = flow.about(who).request

    def clean(write: Any) -> None:
        seams = Seams()
        seams.install()
        flow.run(request)
        write("\n".join(seams.names))

    status, told = in_child(clean)
    assert status == 0, "a clean erasure failed"
    return [
        Point(number, after, name)
        for number, name in enumerate(told.split("\n"))
        for after in (False, True)
    ]


def kill(flow: Flow, stores: Stores, point: Point) -> dict[str, Any] | None:
    """Kill an erasure there, run it again; returns its receipt, or nothing when it was shorter."""
    who = settle(stores, "canary")
    know(stores)
    request = flow.about(who).request

    def run(_: Any) -> None:
        Seams(point).install()
        flow.run(request)

    status, _ = in_child(run)
    if status == 0:
        return None
    assert os.WIFSIGNALED(status), f"failed before it reached {point}"
    done = flow.run(request)
    assert done.state == "completed", point
    assert not any(stores.dump(who.account).values()), point
    for each in flow.doors().ledger.events(request):
        if each["what"] == "erasing" and each["detail"]:
            print(f"went back after {point}: {each['detail']}")  # noqa: T201
    return flow.receipt(request)


def test_killed_anywhere_an_erasure_ends_with_the_same_receipt(
    flow: Flow, stores: Stores, somebody: Somebody, record_property: Callable[[str, object], None]
) -> None:
    points = record(flow, stores, somebody)
    assert len(points) >= FEWEST
    step = max(1, len(points) // SAMPLE) if SAMPLE else 1
    chosen = points[len(points) // 2 % step :: step]
    expected = flow.receipt(flow.run(flow.about(settle(stores, "clean")).request).request)

    receipts = [(point, kill(flow, stores, point)) for point in chosen]

    killed = [(point, receipt) for point, receipt in receipts if receipt is not None]
    for name in ("erased", "retained"):
        differing = [str(point) for point, receipt in killed if receipt[name] != expected[name]]
        assert differing == []
    assert len(killed) >= len(chosen) - 6
    record_property("points", len(points))
    record_property("killed", len(killed))
