"""What tests of `analytics.keep` begin with: rows to move, a handler of small steps, the sums."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from analytics import keep
from tests.integration.analytics.invocation import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from analytics.archive import Archive
    from tests.integration.analytics.conftest import Consumer
    from tests.integration.conftest import Database, Servers

OLD = datetime(2025, 11, 23, 12, tzinfo=UTC)
INSERT = (
    "INSERT INTO analytics.title_minute VALUES (%s, %s, %s, 'tv', 1, 10, 100, 1)"
    " ON CONFLICT (minute, title_id, country, device) DO UPDATE"
    " SET plays = title_minute.plays + 1, watched_s = title_minute.watched_s + 10,"
    " rebuffer_ms = title_minute.rebuffer_ms + 100, errors = title_minute.errors + 1"
)
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
