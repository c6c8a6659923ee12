"""What the eraser leaves behind is found by somebody who does not know how it works."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from privacy import database as module
from privacy import order
from streamflix.deadline import Deadline
from tests.integration.privacy.conftest import KEY, WRAPPED

if TYPE_CHECKING:
    from tests.integration.privacy.conftest import Somebody, Stores

REQUEST = uuid.UUID("3b6c1f0e-7d63-4d0c-9a3e-0f6b1f6f2a11")


def erase(stores: Stores, who: Somebody) -> None:
    stores.eraser().fence(who.person, KEY, WRAPPED)
    stores.eraser().erase(REQUEST, who.person, Deadline(time.monotonic() + 20, 20))
    stores.sessions().erase(who.account)
    stores.files().erase(who.account)


def remains(stores: Stores, who: Somebody) -> dict[str, int]:
    return stores.search().remains(who.known, time.monotonic, time.sleep)


def test_before_the_erasure_every_store_shows_the_person(
    stores: Stores, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privacy.remains.READER_SECONDS", 0)
    stores.database.do("app_owner", "ANALYZE app.account")
    assert remains(stores, somebody) == {
        **{
            f"{endpoint} app.{place}": count
            for endpoint in ("writer", "reader")
            for place, count in {
                "account.account_id": 1,
                "device.account_id": 1,
                "device.device_id": 1,
                "invoice.account_id": 4,
                "profile.account_id": 2,
                "profile.profile_id": 2,
                "rating.profile_id": 6,
                "watch_history.profile_id": 30,
            }.items()
        },
        "files": 1,
        "redis keys": 4,
    }


def test_after_the_erasure_nothing_is_found(
    stores: Stores, somebody: Somebody, neighbour: Somebody
) -> None:
    for table in ("account", "profile", "device", "watch_history", "rating", "invoice"):
        stores.database.do("app_owner", f"ANALYZE app.{table}")
    erase(stores, somebody)

    assert remains(stores, somebody) == {}


def test_statistics_of_tables_that_are_empty_afterwards_forget_as_well(
    stores: Stores, somebody: Somebody
) -> None:
    """ANALYZE leaves them as they are."""
    for table in ("account", "profile", "device", "watch_history", "rating", "invoice"):
        stores.database.do("app_owner", f"ANALYZE app.{table}")
    erase(stores, somebody)

    assert remains(stores, somebody) == {}
    assert stores.rows("SELECT count(*) FROM app.account") == [(0,)]


@pytest.mark.parametrize("table", ["app.watch_history", "app.rating", "app.device"])
def test_a_table_that_the_eraser_forgets_is_found(
    stores: Stores, somebody: Somebody, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    real = order.steps

    def forgetful(*arguments: Any) -> list[order.Step]:
        return [step for step in real(*arguments) if step.table == table]

    monkeypatch.setattr("privacy.remains.READER_SECONDS", 0)
    monkeypatch.setattr(module.order, "steps", forgetful)
    erase(stores, somebody)

    found = remains(stores, somebody)

    assert found
    assert not any(table in place for place in found)


def test_values_in_statistics_are_found(
    stores: Stores, somebody: Somebody, neighbour: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privacy.remains.READER_SECONDS", 0)
    stores.database.do("app_owner", "ANALYZE app.profile")
    monkeypatch.setattr(module.Database, "_forget_statistics", lambda *_: None)
    erase(stores, somebody)

    assert remains(stores, somebody) == {
        f"{endpoint} statistics app.profile.{column}": 1
        for endpoint in ("writer", "reader")
        for column in ("account_id", "profile_id")
    }


def test_a_key_and_a_file_that_stayed_are_found(stores: Stores, somebody: Somebody) -> None:
    erase(stores, somebody)
    stores.cluster.set(f"session:{{{somebody.account}}}:late", "x", ex=60)
    (stores.folder / "accounts" / str(somebody.account)).symlink_to("/nowhere")

    assert remains(stores, somebody) == {"files": 1, "redis keys": 1}
