"""Old minutes become hours: nothing is lost and nothing counts twice, whatever goes on beside."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from analytics.archive import Archive
from analytics.errors import RollupsOverdue
from streamflix.errors import EpochMoved, StatementRefused
from tests.eventually import eventually
from tests.integration.analytics.keeping import INSERT, OLD, seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.analytics.conftest import Cloud
    from tests.integration.analytics.screen import Screen
    from tests.integration.conftest import Database, Servers


def test_old_minutes_become_hours_and_new_ones_stay(
    database: Database, tables: Callable[[], Any], run: Callable[..., dict[str, int]]
) -> None:
    old = seed(database)
    new = seed(database, 3, datetime.now(UTC).replace(second=0, microsecond=0))

    told = run()

    assert told == {"merged": 0, "folded": 360, "expired": 0}
    assert tables() == (new, old)
    assert database.rows(
        "analytics_rw",
        "SELECT hour, title_id, country, device, plays FROM analytics.title_hour"
        " WHERE title_id = 'one' ORDER BY hour, country",
    ) == [
        (OLD + timedelta(hours=hour), "one", country, "tv", plays)
        for hour, plays in ((0, 60), (1, 30))
        for country in ("DE", "FR")
    ]


def test_events_that_come_later_than_that_move_with_the_next_run(
    database: Database, tables: Callable[[], Any], run: Callable[..., dict[str, int]]
) -> None:
    seed(database, 2)
    run()

    late = seed(database, 1)
    assert tables()[0] == late
    assert run()["folded"] == 4

    assert tables() == ((0, 0, 0, 0), (12, 120, 1200, 12))
    assert run() == {"merged": 0, "folded": 0, "expired": 0}


def test_a_run_that_dies_anywhere_has_moved_whole_rows_and_the_next_one_goes_on(
    database: Database,
    tables: Callable[[], Any],
    run: Callable[..., dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    total = seed(database)
    fold = Archive.fold
    died = 0

    def dying(archive: Archive, before: datetime) -> int:
        taken = fold(archive, before)
        minutes, hours = tables()
        assert tuple(a + b for a, b in zip(minutes, hours, strict=True)) == total
        if taken and died < 5:
            raise KeyboardInterrupt
        return taken

    monkeypatch.setattr(Archive, "fold", dying)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            run()
        died += 1
    run()

    assert tables() == ((0, 0, 0, 0), total)


def test_a_step_that_is_rolled_back_moves_nothing(
    database: Database, tables: Callable[[], Any]
) -> None:
    total = seed(database)
    with database.connection(database.login("analytics")) as session, session.cursor() as cursor:
        cursor.execute("SELECT analytics.fold_minutes(%s, 100)", (OLD + timedelta(days=1),))
        assert cursor.fetchone() == (100,)
        session.rollback()

    assert tables() == (total, (0, 0, 0, 0))


def test_events_that_are_counted_at_the_same_time_are_neither_lost_nor_counted_twice(
    database: Database, tables: Callable[[], Any], run: Callable[..., dict[str, int]]
) -> None:
    """Late events cannot be that late; if they were, this is what would happen."""
    before = seed(database, 20)
    stop, added = threading.Event(), [0]

    def count() -> None:
        with database.connection() as session:
            while not stop.is_set():
                with session, session.cursor() as cursor:
                    cursor.execute("SET LOCAL ROLE analytics_rw")
                    for number in range(10):
                        cursor.execute(INSERT, (OLD + timedelta(minutes=number), "one", "DE"))
                added[0] += 10

    writer = threading.Thread(target=count)
    writer.start()
    try:
        folded = sum(run()["folded"] for _ in range(20))
    finally:
        stop.set()
        writer.join()
    run()

    plays = before[0] + added[0]
    assert folded > 80, "rows came back while the others were moved"
    assert tables() == ((0, 0, 0, 0), (plays, plays * 10, plays * 100, plays))


def test_two_runs_at_once_share_the_work(
    database: Database, tables: Callable[[], Any], servers: Servers
) -> None:
    total = seed(database)
    taken = []

    def fold() -> None:
        with database.connection(database.login("analytics")) as session:
            while True:
                with session, session.cursor() as cursor:
                    cursor.execute("SELECT analytics.fold_minutes(%s, 5)", (OLD + timedelta(9),))
                    (rows,) = cursor.fetchone()
                if not rows:
                    return
                taken.append(rows)

    runs = [threading.Thread(target=fold) for _ in range(3)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()

    assert sum(taken) == 360
    assert tables() == ((0, 0, 0, 0), total)


def test_a_run_that_has_no_time_left_says_so_and_keeps_what_it_moved(
    database: Database, tables: Callable[[], Any], run: Callable[..., dict[str, int]]
) -> None:
    total = seed(database)

    with pytest.raises(RollupsOverdue):
        run(seconds=0)

    assert tables()[1][0] == 7
    run()
    assert tables() == ((0, 0, 0, 0), total)


def test_old_hours_go(
    database: Database,
    tables: Callable[[], Any],
    run: Callable[..., dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seed(database, 1, datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(40))
    seed(database, 90, datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(401))
    monkeypatch.setenv("ROLLUP_HOUR_DAYS", "400")

    assert run()["expired"] in (8, 12)

    assert tables() == ((0, 0, 0, 0), (4, 40, 400, 4))


@pytest.mark.parametrize(("call", "days"), [("fold_minutes", 1.99), ("expire_hours", 29.99)])
def test_the_database_itself_refuses_to_take_what_is_not_old(
    database: Database, call: str, days: float
) -> None:
    with (
        database.connection(database.login("analytics")) as session,
        session.cursor() as cursor,
        pytest.raises(psycopg2.errors.RaiseException),
    ):
        cursor.execute(
            f"SELECT analytics.{call}(%s, 1)", (datetime.now(UTC) - timedelta(days=days),)
        )


def test_minutes_that_are_too_young_are_an_error_and_no_loss(
    run: Callable[..., dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLUP_MINUTE_DAYS", "1")

    with pytest.raises(StatementRefused):
        run()


def test_a_database_of_another_life_is_left_alone(
    database: Database, tables: Callable[[], Any], run: Callable[..., dict[str, int]], cloud: Cloud
) -> None:
    total = seed(database, 2)
    cloud.note("epoch", "2")

    with pytest.raises(EpochMoved):
        run(seconds=1)

    assert tables()[0] == total


def test_a_title_is_told_by_hour_from_both_tables(
    database: Database, run: Callable[..., dict[str, int]], screen: Screen
) -> None:
    seed(database, 90)
    run()
    seed(database, 1)
    screen.now = OLD + timedelta(hours=3)

    points = eventually(
        lambda: screen.title("one", by="hour")["points"], 10, lambda it: len(it) == 2
    )

    assert [(each["at"], each["plays"]) for each in points] == [
        ("2025-11-23T12:00:00Z", 122),
        ("2025-11-23T13:00:00Z", 60),
    ]
