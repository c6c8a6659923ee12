"""Old minutes become hours: nothing is lost and nothing counts twice, whatever goes on beside."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from analytics import deltas, keep
from analytics.archive import Archive
from analytics.errors import RollupsOverdue
from streamflix.errors import EpochMoved, StatementRefused
from tests.eventually import eventually
from tests.integration.analytics.invocation import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.analytics.conftest import Cloud, Consumer
    from tests.integration.analytics.screen import Screen
    from tests.integration.conftest import Database, Servers

OLD = datetime(2025, 11, 23, 12, tzinfo=UTC)
INSERT = (
    "INSERT INTO analytics.title_minute VALUES (%s, %s, %s, 'tv', 1, 10, 100, 1)"
    " ON CONFLICT (minute, title_id, country, device) DO UPDATE"
    " SET plays = title_minute.plays + 1, watched_s = title_minute.watched_s + 10,"
    " rebuffer_ms = title_minute.rebuffer_ms + 100, errors = title_minute.errors + 1"
)
WAITING = "SELECT count(*)::int FROM analytics.title_deltas()"
TOTAL = (
    "SELECT coalesce(sum(plays), 0)::int, coalesce(sum(watched_s), 0)::int,"
    " coalesce(sum(rebuffer_ms), 0)::int, coalesce(sum(errors), 0)::int FROM analytics.{}"
)
Sums = tuple[int, int, int, int]


@pytest.fixture
def tables(database: Database, consumer: Consumer) -> Callable[[], tuple[Sums, Sums]]:
    """The sums of what is kept by minute and by hour; both are empty to begin with."""
    del consumer

    def look() -> tuple[Sums, Sums]:
        minutes, hours = (
            database.rows("analytics_rw", TOTAL.format(name))[0]
            for name in ("title_minute", "title_hour")
        )
        return minutes, hours

    return look


@pytest.fixture
def run(
    servers: Servers, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., dict[str, int]]]:
    """The handler, in steps of seven rows."""
    del consumer
    monkeypatch.setenv("ROLLUP_MINUTE_DAYS", "30")
    monkeypatch.setenv("ROLLUP_HOUR_DAYS", "100000")
    real, made = keep.archive.__wrapped__, []

    @cache
    def archive(env: Any) -> Archive:
        one: Archive = real(env, ca_file=servers.ca)
        one._rows = 7
        made.append(one)
        return one

    monkeypatch.setattr(keep, "archive", archive)
    yield lambda seconds=20.0, **event: keep.handler(event, Context(int(seconds * 1000)))
    for one in made:
        one._postgres.close()


def seed(database: Database, minutes: int = 90, at: datetime = OLD) -> Sums:
    """Rows of two titles in two countries, each minute. Returns their sums."""
    with database.master("analytics_owner") as cursor:
        for number in range(minutes):
            for title in ("one", "two"):
                for country in ("DE", "FR"):
                    cursor.execute(INSERT, (at + timedelta(minutes=number), title, country))
    rows = minutes * 4
    return rows, rows * 10, rows * 100, rows


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


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_call_adds_up_all_tables_but_the_one_that_is_appended_to(
    database: Database,
    tables: Callable[[], Any],
    run: Callable[..., dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    rounds: int,
) -> None:
    """In as many turns as it is asked for."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for number in range(deltas.TABLES):
        database.do(
            "analytics_owner",
            f"INSERT INTO analytics.title_delta_{number} VALUES (%s, %s, 'DE', 'tv', 1, 1, 1, 1)",
            (now, f"t{number}"),
        )
    turn, slept = iter(range(9)), []
    monkeypatch.setattr(deltas, "open_at", lambda _: next(turn) % deltas.TABLES)
    monkeypatch.setattr(deltas, "seconds_to_next_turn", lambda _: slept.append(1) or 0.0)

    told = run(rounds=rounds)

    merged = 2 if rounds == 1 else 3
    assert told["merged"] == merged
    assert tables()[0] == (merged,) * 4
    assert len(slept) == rounds - 1


def test_what_is_too_much_for_one_transaction_is_added_up_in_several(
    database: Database,
    tables: Callable[[], Any],
    run: Callable[..., dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed after any of them: what was moved stays so, and the rest waits."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    database.do(
        "analytics_owner",
        "INSERT INTO analytics.title_delta_1 SELECT %s, 't' || n %% 5, 'DE', 'tv', 1, 1, 1, 1"
        " FROM generate_series(1, 1000) AS n",
        (now,),
    )
    monkeypatch.setattr(deltas, "open_at", lambda _: 0)
    merge, steps = Archive.merge, []

    def step(archive: Archive, table: int) -> int:
        archive._merge_rows = 300
        taken = merge(archive, table)
        kept, waiting = tables()[0][0], database.rows("analytics_rw", WAITING)[0][0]
        assert kept + waiting == 1000
        steps.append(waiting)
        if len(steps) == 2:
            raise KeyboardInterrupt
        return taken

    monkeypatch.setattr(Archive, "merge", step)
    with pytest.raises(KeyboardInterrupt):
        run()
    run()

    assert steps[:2] == [700, 400]
    assert tables()[0] == (1000, 1000, 1000, 1000)
    size = "SELECT pg_relation_size('analytics.title_delta_1')::int"
    assert database.rows("analytics_rw", size) == [(0,)]


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
