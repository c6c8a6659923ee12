"""What the decoder lets pass and the database refuses: one event, or a table that fits none."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from analytics import decode, deltas
from analytics.envelope import Batch
from streamflix.errors import StatementRefused
from tests import playback
from tests.playback import batch, event, events, expected_rows, packed, plain, pointer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analytics.decode import Pointer
    from tests.integration.analytics.conftest import Cloud, Consumer, Table
    from tests.integration.conftest import Database

DELTAS = [f"title_delta_{number}" for number in range(deltas.TABLES)]


@pytest.fixture
def fussy(database: Database) -> Iterator[None]:
    """The database refuses a title that the decoder lets pass."""
    tables = {**dict.fromkeys(DELTAS, "analytics"), "watch_history": "app"}
    for name, schema in tables.items():
        database.do(
            f"{schema}_owner",
            f"ALTER TABLE {schema}.{name} ADD CONSTRAINT fussy CHECK (title_id <> 'poison')",
        )
    yield
    for name, schema in tables.items():
        database.do(f"{schema}_owner", f"ALTER TABLE {schema}.{name} DROP CONSTRAINT fussy")


@pytest.mark.usefixtures("fussy")
def test_what_only_the_database_refuses_is_found_by_halving(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    items = events(999)
    records = packed([*items[:613], event(title_id="poison"), *items[613:]], per=100)

    metrics = consumer(batch(records))

    assert table.rows() == expected_rows(items)
    assert cloud.pointers() == [pointer(records[6], "database", 13)]
    assert (metrics["EventsIngested"], metrics["EventsRejected"]) == (999, 1)


@pytest.mark.usefixtures("fussy")
def test_much_that_the_database_refuses_is_found_all_the_same(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    good = events(40)
    stop = event("stop")
    table.add_profile(stop["profile_id"], stop["account_id"])
    stranger = event("stop")
    bad = [event(title_id="poison") for _ in range(10)]
    poisonous_stop = {**stop, "title_id": "poison", "event_id": str(uuid.uuid4())}
    records = plain([*bad[:5], *good[:20], stop, stranger, poisonous_stop, *good[20:], *bad[5:]])

    consumer(batch(records))

    assert table.rows() == expected_rows([*good, stop, stranger])
    assert [row[:2] for row in table.history()] == [(stop["profile_id"], stop["session_id"])]
    spoilt = [*records[:5], records[27], *records[-5:]]
    assert cloud.pointers() == sorted(
        [pointer(record, "database") for record in spoilt]
        + [pointer(records[26], "unknown_profile")],
        key=str,
    )


@pytest.mark.usefixtures("fussy")
def test_poison_of_the_database_alone_in_its_batch_is_stepped_over(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    bad = playback.record(event(title_id="poison"))

    assert consumer(batch([bad]))["EventsRejected"] == 1

    assert cloud.pointers() == [pointer(bad, "database")]
    assert table.rows() == {}


@pytest.mark.usefixtures("fussy")
def test_a_corrected_copy_of_what_the_database_refused_counts(
    consumer: Consumer, table: Table
) -> None:
    item = event()
    consumer(batch(plain([{**item, "title_id": "poison"}, event()])))

    metrics = consumer(batch(plain([item])))

    assert (metrics["EventsIngested"], metrics["EventsDuplicated"]) == (1, 0)


def test_two_names_of_one_minute_take_no_event_with_them(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    """The second line of defence again: PostgreSQL takes 24:00 for the next midnight."""
    one = Batch.from_event(batch(plain(events(9))))
    decoded = decode.decode(one.records)
    for number, item in enumerate(decoded.events):
        item.ts = "2025-11-23T24:00:00Z" if number % 3 else "2025-11-24T00:00:00Z"
        item.title_id, item.device, item.country, item.watched_s = "midnight", "tv", "DE", 7
    decoded.minutes = decode.by_minute(decoded.events)
    consumer(batch(plain([event()], shard="shardId-000000000099")))  # opens the doors
    sent: list[Pointer] = []

    consumer.processes[-1].store.apply(one, decoded, lambda _, pointers: sent.extend(pointers))

    assert sent == []
    [counted] = [row for cell, row in table.rows().items() if cell[1] == "midnight"]
    assert counted[1] == 9 * 7


@pytest.fixture
def narrow(database: Database) -> Iterator[None]:
    """Rows that no partition takes, as a partitioned table says it."""
    body = "BEGIN RAISE EXCEPTION USING ERRCODE = '23514'; END"
    database.do(
        "analytics_owner",
        f"CREATE FUNCTION analytics.narrow() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
    )
    for name in DELTAS:
        database.do(
            "analytics_owner",
            f"""CREATE TRIGGER narrow BEFORE INSERT ON analytics.{name}
                       FOR EACH ROW EXECUTE FUNCTION analytics.narrow()""",
        )
    yield
    database.do("analytics_owner", "DROP FUNCTION analytics.narrow() CASCADE")


@pytest.fixture
def wide(database: Database) -> Iterator[None]:
    """A column that this code does not know and that asks for a value."""
    for name in DELTAS:
        database.do("analytics_owner", f"ALTER TABLE analytics.{name} ADD COLUMN n int NOT NULL")
    yield
    for name in DELTAS:
        database.do("analytics_owner", f"ALTER TABLE analytics.{name} DROP COLUMN n")


@pytest.mark.parametrize(("fault", "code"), [("narrow", "23514"), ("wide", "23502")])
def test_a_table_that_fits_no_event_holds_the_stream_back(
    consumer: Consumer,
    table: Table,
    cloud: Cloud,
    request: pytest.FixtureRequest,
    fault: str,
    code: str,
) -> None:
    request.getfixturevalue(fault)

    with pytest.raises(StatementRefused, match=code):
        consumer(batch(plain(events(3))), seconds=1)

    assert cloud.pointers() == []
    assert table.watermarks() == {}


@pytest.mark.usefixtures("fussy")
def test_a_constraint_that_fits_no_event_holds_the_stream_back(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    bad = [event(title_id="poison") for _ in range(101)]

    with pytest.raises(StatementRefused, match="each of 101"):
        consumer(batch(plain(bad)), seconds=1)
    assert (cloud.pointers(), table.watermarks()) == ([], {})

    metrics = consumer(batch(plain([*bad, event()])))
    assert (metrics["EventsIngested"], metrics["EventsRejected"]) == (1, 101)
    assert len(cloud.pointers()) == 101
