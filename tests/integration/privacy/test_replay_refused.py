"""A replay that cannot be trusted changes nothing, signs nothing, and says why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from privacy import database as eraser
from privacy import replay
from privacy.database import Database
from privacy.errors import (
    BadStep,
    DataMapDrifted,
    LedgerUnreachable,
    ReplayIncomplete,
    TargetTooOld,
)
from privacy.ledger import Ledger
from privacy.restored import Restored
from tests.integration.privacy.conftest import ROWS, settle
from tests.integration.privacy.copy import (
    Copy,
    erased_and_restored,
    new_run,
    receipt_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.flow import Flow


@pytest.mark.parametrize(
    "change",
    [
        {"restore": "a run"},
        {"restore": None},
        {"mode": "rehearsal"},
        {"mode": None},
        {"targetTime": "yesterday"},
        {"targetTime": "2026-11-30T13:00:00"},
    ],
)
def test_what_names_no_restore_is_refused(change: dict[str, Any]) -> None:
    event = {
        "restore": "r20261130T130000",
        "address": "copy:5432",
        "targetTime": "2026-11-30T13:00:00Z",
        "mode": "drill",
    }
    assert replay._parse(event).run == "r20261130T130000"
    with pytest.raises(BadStep):
        replay._parse({key: it for key, it in {**event, **change}.items() if it is not None})


@pytest.fixture
def untouched(flow: Flow, stores: Stores, somebody: Somebody) -> Iterator[Copy]:
    """A copy in which nothing may be changed."""
    copy = erased_and_restored(flow, stores, somebody)
    before = stores.dump(somebody.account)
    yield copy
    assert stores.dump(somebody.account) == before
    assert copy.marks() == set()


def test_without_the_ledger_nothing_is_written(flow: Flow, untouched: Copy) -> None:
    doors = replace(untouched.doors(flow), ledger=Ledger("gone"))

    with pytest.raises(LedgerUnreachable):
        untouched.replay(flow, new_run(), doors=doors)


def test_a_point_in_time_beyond_the_tombstones_is_refused(flow: Flow, untouched: Copy) -> None:
    with pytest.raises(TargetTooOld):
        untouched.replay(flow, new_run(), days=eraser.TOMBSTONE_DAYS + 1)


def test_a_copy_that_the_map_does_not_describe_is_refused(
    flow: Flow, stores: Stores, untouched: Copy
) -> None:
    stores.database.do("app_owner", "CREATE TABLE app.review (review text)")
    try:
        with pytest.raises(DataMapDrifted):
            untouched.replay(flow, new_run())
    finally:
        stores.database.do("app_owner", "DROP TABLE app.review")


def test_an_eraser_that_misses_somebody_is_found_out_and_signs_nothing(
    flow: Flow, stores: Stores, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, run = erased_and_restored(flow, stores, somebody), new_run()
    monkeypatch.setattr(Database, "erase_again", lambda *_: None)

    with pytest.raises(ReplayIncomplete, match=r"app\.account\.account_id") as caught:
        copy.replay(flow, run)

    assert "app.watch_history.profile_id 30" in str(caught.value)
    assert "app.device.device_id 1" in str(caught.value)
    assert receipt_of(flow, run) is None


def test_what_statistics_still_show_is_found_out(
    flow: Flow, stores: Stores, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(stores, "canary-b", watched=300)
    copy = erased_and_restored(flow, stores, somebody)
    for table in ROWS:
        stores.database.do("app_owner", f"ANALYZE {table}")
    copy.replay(flow, new_run())

    copy.restore()
    for table in ROWS:
        stores.database.do("app_owner", f"ANALYZE {table}")
    monkeypatch.setattr(Restored, "forget", lambda _: None)
    with pytest.raises(ReplayIncomplete, match=r"statistics app\.profile\.account_id"):
        copy.replay(flow, new_run())
