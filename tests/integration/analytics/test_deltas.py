"""What is appended is added up: every count is told once, before, after and meanwhile."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from analytics import deltas
from analytics.envelope import Batch
from analytics.ingest import ingest
from streamflix.deadline import Deadline
from tests.eventually import eventually
from tests.integration.analytics.invocation import Context
from tests.playback import batch, event, events, expected_rows, packed, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.analytics.conftest import Consumer, Table
    from tests.integration.conftest import Database

KEPT = "SELECT count(*)::int, coalesce(sum(watched_s), 0)::int FROM analytics.title_minute"
TOLD = "SELECT coalesce(sum(watched_s), 0)::int FROM analytics.title_counted()"
WAITING = "SELECT count(*)::int FROM analytics.title_deltas()"
MANY = 10


@pytest.fixture
def merge(database: Database) -> Iterator[Callable[[int], int]]:
    """As `analytics.archive` does, with the login of the functions."""
    with database.connection(database.login("analytics")) as session:

        def one(table: int) -> int:
            with session, session.cursor() as cursor:
                cursor.execute("SELECT analytics.merge_deltas(%s, 1000)", (table,))
                (merged,) = cursor.fetchone()
                return int(merged)

        yield one


def test_counts_are_told_before_they_are_added_up_and_afterwards(
    consumer: Consumer,
    table: Table,
    database: Database,
    merge: Callable[[int], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = events(90)
    for number in range(deltas.TABLES):
        monkeypatch.setattr(deltas, "open_at", lambda _, number=number: number)
        consumer(batch(plain(items[30 * number : 30 * number + 30])))
    expected = expected_rows(items)

    assert table.rows() == expected
    assert database.rows("analytics_rw", KEPT) == [(0, 0)]
    for number in range(deltas.TABLES):
        assert merge(number) > 0
        assert table.rows() == expected
    assert database.rows("analytics_rw", WAITING) == [(0,)]
    assert database.rows("analytics_rw", KEPT)[0][0] == len(expected)
    assert [merge(number) for number in range(deltas.TABLES)] == [0, 0, 0]


def test_tables_take_turns_and_the_oldest_is_added_up_first() -> None:
    turn = deltas.TURN_SECONDS
    for now in (0.0, turn - 0.1, float(turn), 2.5 * turn, 1_764_547_199.0):
        oldest, before = deltas.settled_at(now)
        assert before == deltas.open_at(now - turn)
        assert oldest == deltas.open_at(now - 2 * turn)
        assert deltas.from_open(now) == [deltas.open_at(now), oldest, before]
        assert deltas.open_at(now + deltas.seconds_to_next_turn(now)) == oldest


def test_a_merge_that_is_rolled_back_has_moved_nothing(
    consumer: Consumer, table: Table, database: Database
) -> None:
    items = events(30)
    consumer(batch(plain(items)))
    with database.connection(database.login("analytics")) as session, session.cursor() as cursor:
        for number in range(deltas.TABLES):
            cursor.execute("SELECT analytics.merge_deltas(%s, 1000)", (number,))
        session.rollback()

    assert table.rows() == expected_rows(items)
    assert database.rows("analytics_rw", KEPT) == [(0, 0)]


@contextmanager
def asking(database: Database, at: str = "") -> Iterator[list[int]]:
    """What somebody is told who asks again and again meanwhile; his trouble is the test's."""
    told: list[int] = []
    done, trouble = threading.Event(), []

    def ask() -> None:
        try:
            with database.connection(database.login("analytics"), at) as session:
                session.autocommit = True
                with session.cursor() as cursor:
                    while not done.is_set():
                        cursor.execute(TOLD)
                        told.append(cursor.fetchone()[0])
        except Exception as error:  # noqa: BLE001  whatever it is
            trouble.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield told
    finally:
        done.set()
        thread.join()
    assert trouble == []
    assert len(told) > MANY


def test_whoever_asks_while_counts_are_moved_is_never_told_less(
    consumer: Consumer,
    table: Table,
    database: Database,
    merge: Callable[[int], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor more than was sent: none is missed, none is seen twice."""
    items = [event(title_id=f"t{number % 7}", watched_s=1) for number in range(3_000)]
    consumer(batch(plain(items[:1])))  # opens the doors
    doors = consumer.processes[-1]
    done, merged = threading.Event(), [0]
    turn = iter(range(10**6))
    monkeypatch.setattr(deltas, "open_at", lambda _: next(turn) % deltas.TABLES)

    def add_up() -> None:
        while not done.is_set():
            for number in range(deltas.TABLES):
                merged[0] += merge(number) > 0

    adding = threading.Thread(target=add_up)
    with asking(database) as one, asking(database) as other:
        adding.start()
        try:
            for at in range(1, len(items), 20):
                part = packed(items[at : at + 20], per=20, shard="shardId-000000000007")
                ingest(Batch.from_event(batch(part)), doors, Deadline.of(Context(30_000)))
        finally:
            done.set()
            adding.join()

    assert merged[0] > 5
    for told in (one, other):
        assert told == sorted(told)
        assert told[0] >= 1
        assert told[-1] <= len(items)
    assert table.rows() == expected_rows(items)


@pytest.mark.parametrize("endpoint", ["writer", "reader"])
def test_whoever_asks_again_is_told_the_same(
    consumer: Consumer, database: Database, merge: Callable[[int], int], endpoint: str
) -> None:
    """The counts stand still while they are moved; a reader follows statement by statement."""
    consumer(batch(plain(events(50))))
    [(whole,)] = database.rows("analytics_rw", TOLD)
    at = getattr(database.servers.postgres, endpoint)
    with database.connection(database.login("analytics"), at) as session, session.cursor() as once:
        eventually(lambda: _asked(session, once), 10, lambda it: it == whole)

    with asking(database, at) as told:
        for _ in range(20):
            for number in range(deltas.TABLES):
                merge(number)
            database.do(
                "analytics_owner",
                "WITH gone AS (DELETE FROM analytics.title_minute RETURNING *)"
                " INSERT INTO analytics.title_delta_1 SELECT * FROM gone",
            )

    assert set(told) == {whole}


def _asked(session: Any, cursor: Any) -> int:
    with session:
        cursor.execute(TOLD)
        return int(cursor.fetchone()[0])


def test_what_reads_both_is_read_as_a_view_is(database: Database) -> None:
    """A call of its own would lock tables after its caller took the snapshot, and miss counts."""
    for function in ("title_counted", "title_deltas"):
        plan = database.rows("analytics_rw", f"EXPLAIN SELECT * FROM analytics.{function}()")
        assert not any("Function Scan" in line for (line,) in plan), plan


def test_a_batch_waits_for_no_row_that_another_one_holds(
    consumer: Consumer, database: Database, table: Table
) -> None:
    """Another shard is in the middle of the same cells."""
    items = [event(title_id="same") for _ in range(40)]
    with database.connection(database.login("analytics")) as session, session.cursor() as cursor:
        for number in range(deltas.TABLES):
            cursor.execute(
                f"INSERT INTO analytics.title_delta_{number}"
                " VALUES ('2025-11-23T12:00Z', 'same', 'DE', 'tv', 0, 0, 0, 0)"
            )
        consumer(batch(plain(items)), seconds=3)
        session.rollback()

    assert table.rows() == expected_rows(items)


@pytest.mark.parametrize("taken", [1, 2])
def test_who_finds_a_table_being_added_up_appends_to_the_next(
    consumer: Consumer,
    database: Database,
    table: Table,
    monkeypatch: pytest.MonkeyPatch,
    taken: int,
) -> None:
    items = [event("stop"), *events(40)]
    consumer(batch(plain([event()], shard="shardId-000000000099")))  # opens the doors
    monkeypatch.setattr(deltas, "open_at", lambda _: 1)
    with database.connection() as merging, merging.cursor() as holds:
        holds.execute("SET LOCAL ROLE analytics_owner")
        for number in (1, 2)[:taken]:
            holds.execute(f"LOCK TABLE analytics.title_delta_{number} IN SHARE ROW EXCLUSIVE MODE")
        consumer(batch(plain(items)), seconds=5)

        assert "waiting for infrastructure" not in consumer.capsys.readouterr().out
        where = f"analytics.title_delta_{(1 + taken) % deltas.TABLES}"
        assert database.rows("analytics_rw", f"SELECT count(*)::int FROM {where}")[0][0] > 1
    assert sum(row[1] for row in table.rows().values()) > 0


def test_two_that_add_up_do_not_meet(
    consumer: Consumer, database: Database, table: Table, merge: Callable[[int], int]
) -> None:
    items = events(30)
    consumer(batch(plain(items)))
    with database.connection(database.login("analytics")) as other, other.cursor() as cursor:
        cursor.execute("SELECT analytics.merge_deltas(0, 1000)")

        assert [merge(number) for number in range(deltas.TABLES)] == [0, 0, 0]
        other.rollback()

    assert sum(merge(number) > 0 for number in range(deltas.TABLES)) >= 1
    assert table.rows() == expected_rows(items)


def test_a_login_cannot_slip_a_type_of_its_own_into_the_owners_function(
    database: Database,
) -> None:
    with database.connection(database.login("analytics")) as session, session.cursor() as cursor:
        cursor.execute(
            """CREATE FUNCTION pg_temp.mine(pg_catalog.text) RETURNS boolean LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'as %', current_user; END $$;
               CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (pg_temp.mine(VALUE))"""
        )
        cursor.execute("SELECT analytics.merge_deltas(0, 1000)")
        assert cursor.fetchone() == (0,)
