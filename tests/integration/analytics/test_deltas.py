"""What is appended is added up: every count is told once, before, after and meanwhile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from analytics import consume, deltas
from analytics.envelope import Batch
from analytics.ingest import ingest
from analytics.settings import Settings
from streamflix import settings
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


@pytest.fixture
def merge(database: Database) -> Iterator[Callable[[int], int]]:
    """As `analytics.archive` does, with the login of the functions."""
    with database.connection(database.login("analytics")) as session:

        def one(table: int) -> int:
            with session, session.cursor() as cursor:
                cursor.execute("SELECT analytics.merge_deltas(%s)", (table,))
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


def test_the_table_before_the_one_that_is_open_is_added_up() -> None:
    for now in (0.0, 59.9, 60.0, 119.9, 1_764_547_199.0):
        assert deltas.settled_at(now) == deltas.open_at(now - deltas.TURN_SECONDS)
        assert deltas.settled_at(now) not in {
            deltas.open_at(now),
            deltas.open_at(now + deltas.TURN_SECONDS),
        }


def test_a_merge_that_is_rolled_back_has_moved_nothing(
    consumer: Consumer, table: Table, database: Database
) -> None:
    items = events(30)
    consumer(batch(plain(items)))
    with database.connection(database.login("analytics")) as session, session.cursor() as cursor:
        for number in range(deltas.TABLES):
            cursor.execute("SELECT analytics.merge_deltas(%s)", (number,))
        session.rollback()

    assert table.rows() == expected_rows(items)
    assert database.rows("analytics_rw", KEPT) == [(0, 0)]


def test_whoever_asks_while_counts_are_moved_misses_none_and_sees_none_twice(
    consumer: Consumer,
    table: Table,
    database: Database,
    merge: Callable[[int], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = [event(title_id=f"t{number % 7}", watched_s=1) for number in range(1_500)]
    consumer(batch(plain(items[:1])))  # opens the doors
    env = settings.cached(Settings)
    told: list[int] = [1]
    done, merged = threading.Event(), [0]
    turn = iter(range(10**6))
    monkeypatch.setattr(deltas, "open_at", lambda _: next(turn) % deltas.TABLES)

    def count() -> None:
        doors = consume.doors.__wrapped__(env)
        for at in range(1, len(items), 20):
            one = Batch.from_event(batch(packed(items[at : at + 20], per=20, shard="shardId-7")))
            ingest(one, doors, Deadline.of(Context(30_000)))
        doors.store._postgres.close()

    def ask() -> None:
        with database.connection(database.login("analytics")) as session:
            session.autocommit = True
            with session.cursor() as cursor:
                while not done.is_set():
                    cursor.execute(TOLD)
                    told.append(cursor.fetchone()[0])

    def add_up() -> None:
        while not done.is_set():
            for number in range(deltas.TABLES):
                merged[0] += merge(number) > 0

    threads = [threading.Thread(target=each) for each in (ask, ask, add_up)]
    for each in threads:
        each.start()
    try:
        count()
    finally:
        done.set()
        for each in threads:
            each.join()

    assert merged[0] > 5
    assert max(told) <= len(items)
    assert table.rows() == expected_rows(items)


@pytest.mark.parametrize("endpoint", ["writer", "reader"])
def test_whoever_asks_again_is_told_the_same(
    consumer: Consumer, database: Database, merge: Callable[[int], int], endpoint: str
) -> None:
    """The counts stand still while they are moved; a reader follows statement by statement."""
    consumer(batch(plain(events(50))))
    [(whole,)] = database.rows("analytics_rw", TOLD)
    at = getattr(database.servers.postgres, endpoint)
    done, told = threading.Event(), set()
    with database.connection(database.login("analytics"), at) as session, session.cursor() as once:
        eventually(lambda: _asked(session, once), 10, lambda it: it == whole)

    def ask() -> None:
        with database.connection(database.login("analytics"), at) as session:
            session.autocommit = True
            with session.cursor() as cursor:
                while not done.is_set():
                    cursor.execute(TOLD)
                    told.add(cursor.fetchone()[0])

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(20):
            for number in range(deltas.TABLES):
                merge(number)
            database.do(
                "analytics_owner",
                "WITH gone AS (DELETE FROM analytics.title_minute RETURNING *)"
                " INSERT INTO analytics.title_delta_1 SELECT * FROM gone",
            )
    finally:
        done.set()
        asking.join()

    assert told == {whole}


def _asked(session: Any, cursor: Any) -> int:
    with session:
        cursor.execute(TOLD)
        return int(cursor.fetchone()[0])


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


def test_who_may_not_wait_for_a_merge_is_told_so(database: Database) -> None:
    """A lock that a merge holds makes an invocation try again, which takes the next table."""
    with (
        database.connection() as merging,
        merging.cursor() as holds,
        database.connection(database.login("analytics")) as session,
        session.cursor() as cursor,
    ):
        holds.execute("SET LOCAL ROLE analytics_owner")
        holds.execute("LOCK TABLE analytics.title_delta_0 IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("SET lock_timeout = '100ms'")
        cursor.execute("SELECT count(*) FROM analytics.title_counted()")
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            cursor.execute(
                "INSERT INTO analytics.title_delta_0 VALUES (now(), 't', 'DE', 'tv', 0, 0, 0, 0)"
            )
