"""Counts in PostgreSQL, moved. The functions that do it belong to the schema's owner
(functions/schema/sql/0008 and 0009): no login may delete a count by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from streamflix import fence

if TYPE_CHECKING:
    from datetime import datetime

    from streamflix.addresses import Book
    from streamflix.postgres import Postgres

STEP_ROWS = 5_000
"""Of one transaction: locks of a tenth of a second, and little to do again after a crash."""
MERGE_ROWS = 15_000_000
"""The same of appended rows: what ten million viewers append in a turn, and half a minute of one
core at most. Who appends takes another table meanwhile."""

_DIRECTORY = Path(__file__).parent / "sql"
_FOLD = (_DIRECTORY / "fold_minutes.sql").read_text()
_EXPIRE = (_DIRECTORY / "expire_hours.sql").read_text()
_MERGE = (_DIRECTORY / "merge_deltas.sql").read_text()


class Archive:
    """Every method is a transaction, refused with `EpochMoved` while the database is not the one
    that the address book means. Returns how many rows it moved; 0 is the end."""

    def __init__(
        self, book: Book, postgres: Postgres, rows: int = STEP_ROWS, merge_rows: int = MERGE_ROWS
    ) -> None:
        """`postgres` leads to the book's writer. `rows`, `merge_rows`: of one transaction."""
        self._book = book
        self._postgres = postgres
        self._rows = rows
        self._merge_rows = merge_rows

    def merge(self, table: int) -> int:
        """Add what was appended to this table to its minutes: all of it, or as much as a step may
        take. Nothing while another call does it."""
        return self._run(_MERGE, table=table, most=self._merge_rows)

    def fold(self, before: datetime) -> int:
        """Add minutes before this moment to their hours, and delete them."""
        return self._run(_FOLD, before=before, most=self._rows)

    def expire(self, before: datetime) -> int:
        """Delete hours before this moment."""
        return self._run(_EXPIRE, before=before, most=self._rows)

    def _run(self, statement: str, **parameters: object) -> int:
        with fence.transaction(self._book, self._postgres) as (cursor, _):
            cursor.execute(statement, parameters)
            (taken,) = cursor.fetchone() or (0,)
            return int(taken)
