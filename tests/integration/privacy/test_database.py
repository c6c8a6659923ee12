"""Rows of a person go, all of them and nobody else's."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import psycopg2
import pytest

from privacy import database as module
from privacy import statistics
from privacy.database import Effect
from privacy.errors import DataMapDrifted, OutOfTime
from streamflix.deadline import Deadline
from streamflix.errors import EpochMoved, StatementRefused
from tests.integration.privacy.conftest import KEY, WRAPPED, settle

if TYPE_CHECKING:
    from tests.integration.privacy.conftest import Somebody, Stores

REQUEST = uuid.UUID("3b6c1f0e-7d63-4d0c-9a3e-0f6b1f6f2a11")
EFFECTS = [
    Effect("app.account", "deleted", 1),
    Effect("app.device", "deleted", 1),
    Effect("app.invoice", "retained", 4),
    Effect("app.profile", "deleted", 2),
    Effect("app.rating", "deleted", 6),
    Effect("app.watch_history", "deleted", 30),
]


def plenty() -> Deadline:
    return Deadline(time.monotonic() + 20, 20)


def test_an_erasure_takes_every_row_and_leaves_the_neighbour_as_it_was(
    stores: Stores, somebody: Somebody, neighbour: Somebody
) -> None:
    before = stores.dump(neighbour.account)

    effects = stores.eraser().erase(REQUEST, somebody.person, plenty())

    assert effects == EFFECTS
    rows = {name: found for name, found in stores.dump(somebody.account).items() if "app." in name}
    assert not any(rows.values())
    assert stores.dump(neighbour.account) == before


def test_a_plan_tells_what_the_erasure_will_do_and_writes_nothing(
    stores: Stores, somebody: Somebody
) -> None:
    before = stores.dump(somebody.account)

    assert sorted(stores.eraser().plan(somebody.person)) == EFFECTS
    assert stores.dump(somebody.account) == before
    assert stores.rows("SELECT * FROM privacy.erasure", role="privacy_erase") == []


def test_an_erasure_that_is_repeated_counts_what_it_took_once(
    stores: Stores, somebody: Somebody
) -> None:
    stores.eraser().erase(REQUEST, somebody.person, plenty())

    assert stores.eraser().erase(REQUEST, somebody.person, plenty()) == EFFECTS


def test_many_rows_go_in_several_transactions_and_the_account_last(
    stores: Stores, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS_PER_TRANSACTION", 10)
    past = Deadline(time.monotonic() - 1, 20)

    with pytest.raises(OutOfTime):
        stores.eraser().erase(REQUEST, somebody.person, past)
    left = stores.dump(somebody.account)
    assert 0 < len(left["app.watch_history"]) + len(left["app.rating"]) < 36
    assert len(left["app.account"]) == 1

    assert stores.eraser().erase(REQUEST, somebody.person, plenty()) == EFFECTS


def test_an_invoice_stays_for_the_tax_office_without_whose_it_was(
    stores: Stores, somebody: Somebody
) -> None:
    stores.eraser().erase(REQUEST, somebody.person, plenty())

    kept = stores.rows(
        "SELECT issued_on::text, country, amount_cents, vat_cents, currency, state,"
        " expires_at::text FROM privacy.retained_invoice ORDER BY issued_on DESC",
        role="privacy_erase",
    )
    assert kept[0] == ("2025-11-30", "DE", 1299, 207, "EUR", "open", "2034-01-01")
    assert len(kept) == 4


def test_a_person_without_a_row_leaves_zeros(stores: Stores) -> None:
    nobody = module.Person(uuid.uuid4())

    effects = stores.eraser().erase(REQUEST, nobody, plenty())

    assert [each.rows for each in effects] == [0] * 6


def test_statistics_forget_what_only_the_person_had(stores: Stores, somebody: Somebody) -> None:
    settle(stores, "canary-b", watched=300)
    for table in ("account", "profile", "device", "watch_history", "rating", "invoice"):
        stores.database.do("app_owner", f"ANALYZE app.{table}")
    shown = "SELECT count(*) FROM pg_stats WHERE histogram_bounds::text ~ 'canary-a'"
    assert stores.rows(shown, role="privacy_erase") != [(0,)]

    stores.eraser().erase(REQUEST, somebody.person, plenty())

    assert stores.rows(shown, role="privacy_erase") == [(0,)]


def test_a_table_that_shows_nothing_of_the_person_is_not_analysed(stores: Stores) -> None:
    """What others have as well, a title or a kind of device, is not the person's."""
    settle(stores, "canary-b", watched=300)
    stores.database.do("app_owner", "ANALYZE app.watch_history")
    somebody = settle(stores, "canary-a", watched=10)

    stores.eraser().erase(REQUEST, somebody.person, plenty())

    noted = "SELECT relation FROM privacy.erasure WHERE action = 'analysed'"
    assert ("app.watch_history",) not in stores.rows(noted, role="privacy_erase")


@pytest.mark.parametrize(("others", "forgotten"), [(10_000, False), (0, True)])
def test_a_name_that_others_have_is_forgotten_only_when_they_are_not_seen(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, others: int, forgotten: bool
) -> None:
    """Others are looked for among so many rows only: whoever is not found there does not count."""
    monkeypatch.setattr(statistics, "OTHERS_LOOKED_AT", others)
    for _ in range(2):
        settle(stores, "canary-b")
    stores.database.do("app_owner", "UPDATE app.device SET label = 'Living room'")
    stores.database.do("app_owner", "ANALYZE app.device")
    somebody = settle(stores, "canary-a")
    stores.database.do("app_owner", "UPDATE app.device SET label = 'Living room'")

    stores.eraser().erase(REQUEST, somebody.person, plenty())

    noted = "SELECT relation FROM privacy.erasure WHERE action = 'analysed'"
    assert (("app.device",) in stores.rows(noted, role="privacy_erase")) is forgotten


@pytest.mark.parametrize(
    ("change", "undo", "complaint"),
    [
        (
            "ALTER TABLE app.rating ADD COLUMN review text",
            "ALTER TABLE app.rating DROP COLUMN review",
            "column app.rating.review is not in the map",
        ),
        (
            "CREATE TABLE app.note (account_id uuid NOT NULL REFERENCES app.account)",
            "DROP TABLE app.note",
            "table app.note is not in the map",
        ),
        (
            "ALTER TABLE app.watch_history RENAME TO history",
            "ALTER TABLE app.history RENAME TO watch_history",
            "table app.history is not in the map",
        ),
        (
            "CREATE MATERIALIZED VIEW app.copy AS SELECT * FROM app.account",
            "DROP MATERIALIZED VIEW app.copy",
            "materialized view app.copy is not in the map",
        ),
        (
            "CREATE VIEW app.names AS SELECT name FROM app.profile",
            "DROP VIEW app.names",
            "view app.names is not in the map",
        ),
        (
            (
                "CREATE TABLE app.part (LIKE app.rating) PARTITION BY RANGE (rated_at);"
                "CREATE TABLE app.part_1 PARTITION OF app.part DEFAULT"
            ),
            "DROP TABLE app.part",
            "partition app.part_1 is not in the map",
        ),
        (
            "ALTER TABLE app.device ADD FOREIGN KEY (device_id) REFERENCES app.profile",
            "ALTER TABLE app.device DROP CONSTRAINT device_device_id_fkey",
            "foreign key app.device.device_id to app.profile is not in the map",
        ),
        (
            "CREATE STATISTICS app.pairs ON name, language FROM app.profile",
            "DROP STATISTICS app.pairs",
            "statistics app.pairs may keep values of rows",
        ),
    ],
    ids=[
        "a new column",
        "a new table",
        "a renamed leaf",
        "a materialized view",
        "a view",
        "a partition",
        "a foreign key",
        "extended statistics",
    ],
)
def test_what_the_map_does_not_name_blocks_plan_and_erasure(
    stores: Stores, neighbour: Somebody, change: str, undo: str, complaint: str
) -> None:
    somebody = neighbour
    if "FOREIGN KEY" in change:
        stores.database.do("app_owner", "DELETE FROM app.device")
    before = stores.dump(somebody.account) if "RENAME" not in change else None
    stores.database.do("app_owner", change)
    try:
        with pytest.raises(DataMapDrifted) as refused:
            stores.eraser().erase(REQUEST, somebody.person, plenty())
        with pytest.raises(DataMapDrifted):
            stores.eraser().plan(somebody.person)
    finally:
        stores.database.do("app_owner", undo)

    assert complaint in str(refused.value)
    if before is not None:
        assert stores.dump(somebody.account) == before


def test_a_column_that_went_blocks_as_well(stores: Stores, somebody: Somebody) -> None:
    stores.database.do("app_owner", "ALTER TABLE app.device RENAME COLUMN label TO title")
    try:
        with pytest.raises(DataMapDrifted, match=r"app\.device\.label is in the map, and missing"):
            stores.eraser().guard()
    finally:
        stores.database.do("app_owner", "ALTER TABLE app.device RENAME COLUMN title TO label")


def test_nothing_is_erased_in_a_copy_that_is_not_released(
    stores: Stores, somebody: Somebody
) -> None:
    stores.parameters.values["epoch"] = "2"

    with pytest.raises(EpochMoved):
        stores.eraser().erase(REQUEST, somebody.person, plenty())

    assert stores.dump(somebody.account)["app.account"]


def test_tombstones_are_put_once_and_move_the_epoch_once(
    stores: Stores, somebody: Somebody
) -> None:
    members = stores.eraser().fence(somebody.person, KEY, WRAPPED)
    assert stores.eraser().fence(somebody.person, KEY, WRAPPED) == members

    assert set(members) == {somebody.account, *somebody.profiles, *somebody.devices}
    assert stores.rows(
        "SELECT epoch, (SELECT count(*) FROM privacy.tombstone) FROM privacy.fence",
        role="privacy_erase",
    ) == [(1, 4)]


@pytest.mark.parametrize(
    "addition",
    [
        "INSERT INTO app.profile (account_id, name) VALUES (%(account)s, 'late')",
        "INSERT INTO app.device (account_id, kind) VALUES (%(account)s, 'tv')",
        (
            "INSERT INTO app.invoice (account_id, issued_on, amount_cents, vat_cents)"
            " VALUES (%(account)s, now(), 1, 0)"
        ),
        "INSERT INTO app.rating (profile_id, title_id, stars) VALUES (%(profile)s, 'title-19', 1)",
    ],
    ids=["profile", "device", "invoice", "rating"],
)
def test_a_fenced_account_gets_no_new_child_from_anybody(
    stores: Stores, somebody: Somebody, neighbour: Somebody, addition: str
) -> None:
    stores.eraser().fence(somebody.person, KEY, WRAPPED)
    values = {"account": str(somebody.account), "profile": str(somebody.profiles[0])}

    refused = pytest.raises(psycopg2.IntegrityError, match="being erased")
    with refused, stores.database.master("app_rw") as cursor:
        cursor.execute(addition, values)

    values = {"account": str(neighbour.account), "profile": str(neighbour.profiles[0])}
    with stores.database.master("app_rw") as cursor:
        cursor.execute(addition, values)


def test_who_begins_before_the_fence_is_waited_for(stores: Stores, somebody: Somebody) -> None:
    late = "INSERT INTO app.profile (account_id, name) VALUES (%s, 'late')"
    with stores.database.master("app_rw") as cursor:
        cursor.execute(late, (str(somebody.account),))
        with pytest.raises(StatementRefused, match="lock timeout"):
            stores.eraser().fence(somebody.person, KEY, WRAPPED)

    assert len(stores.eraser().fence(somebody.person, KEY, WRAPPED)) == 5


def test_the_same_address_can_register_again(stores: Stores, somebody: Somebody) -> None:
    stores.eraser().fence(somebody.person, KEY, WRAPPED)
    stores.eraser().erase(REQUEST, somebody.person, plenty())

    again = settle(stores, "canary-a", email=somebody.email)

    assert stores.dump(again.account)["app.profile"]
