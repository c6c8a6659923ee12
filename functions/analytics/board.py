"""What PostgreSQL knows of what runs and of what ran, read from a reader."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from analytics.live import Lag, Rollup, Sums, shown_minutes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg2.extensions as pg

    from analytics.titles import Question
    from streamflix.postgres import Postgres

CANDIDATES = 100
"""Titles of a minute whose viewers are looked up, those with the most watch time. Of the ten with
the most viewers none is far behind in that."""
ALIVE = timedelta(hours=1)

_DIRECTORY = Path(__file__).parent / "sql"
_SQL = {
    name: (_DIRECTORY / f"{name}.sql").read_text()
    for name in (
        *("live_counted", "live_lag", "live_minute"),
        *("knows_title", "title_hours", "title_minutes"),
    )
}


class Board:
    """Every method is a transaction on a reader, which is behind the writer by milliseconds."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def now(self, minute: datetime, now: datetime) -> tuple[Rollup, Lag | None]:
        """What was counted of a minute, and how far the consumer is; None when nothing was counted
        for an hour. Raises: as `Postgres.transaction`."""
        with self._postgres.transaction() as cursor:
            cursor.execute(_SQL["live_minute"], {"minute": minute, "most": CANDIDATES})
            groups: dict[str, dict[str, Sums]] = defaultdict(dict)
            for kind, name, *sums in cursor.fetchall():
                groups[kind][name] = Sums(*sums)
            cursor.execute(_SQL["live_counted"], {"minutes": shown_minutes(minute)})
            counted = frozenset(at.astimezone(UTC) for (at,) in cursor.fetchall())
            if groups["title"]:  # perhaps not added up yet
                counted |= {minute}
            lag = _lag(cursor, now - ALIVE)
        total = groups["total"].get("", Sums())
        return Rollup(total, groups["title"], groups["country"], groups["device"], counted), lag

    def points(self, question: Question) -> Mapping[datetime, Sums]:
        """The page that is asked for. Raises: as `Postgres.transaction`."""
        with self._postgres.transaction() as cursor:
            cursor.execute(
                _SQL[f"title_{question.by}s"],
                {"title": question.title, "at": question.at, "end": question.page_end},
            )
            return {at.astimezone(UTC): Sums(*sums) for at, *sums in cursor.fetchall()}

    def knows(self, title: str) -> bool:
        """Whether the catalogue has it. Raises: as `Postgres.transaction`."""
        with self._postgres.transaction() as cursor:
            cursor.execute(_SQL["knows_title"], {"title": title})
            (known,) = cursor.fetchone() or (False,)
            return bool(known)


def _lag(cursor: pg.cursor, since: datetime) -> Lag | None:
    cursor.execute(_SQL["live_lag"], {"since": since})
    row = cursor.fetchone()
    return Lag(*row) if row and row[0] else None
