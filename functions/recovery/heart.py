"""The heartbeat row of Aurora: written through the writer, read through the reader."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recovery.pulse import Beat
from streamflix.errors import EpochMoved

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamflix.addresses import AddressBook
    from streamflix.postgres import Postgres

_DIRECTORY = Path(__file__).parent / "sql"
_SQL = {path.stem: path.read_text() for path in _DIRECTORY.glob("*.sql")}

# A write that takes longer failed: two of them would hide a failover of Aurora's best kind.
OPTIONS = (
    "-c statement_timeout=2s -c lock_timeout=2s -c idle_in_transaction_session_timeout=10s"
    " -c application_name=streamflix-recovery-probe"
)
ANSWER_SECONDS = 3.0


class Heart:
    """`writer` and `reader` lead to the book's endpoints, as login recovery."""

    def __init__(
        self, book: AddressBook, writer: Postgres, reader: Postgres, clock: Callable[[], float]
    ) -> None:
        self._book = book
        self._writer = writer
        self._reader = reader
        self._clock = clock

    def beat(self) -> Beat:
        """Write one. Returned means acknowledged.

        Raises: `EpochMoved` while a restored copy is not released: its heartbeat tells how old it
        is; and what the connection raises.
        """
        with self._writer.transaction() as cursor:
            cursor.execute(_SQL["beat"], {"epoch": self._book.epoch()})
            row = cursor.fetchone()
            if row is None:
                self._book.forget()
                raise EpochMoved("the database and the address book differ")
        return Beat(int(row[0]), self._clock(), float(row[1]))

    def seen_by_reader(self) -> float:
        """When the newest beat was written that the reader shows; the database's clock."""
        with self._reader.transaction() as cursor:
            cursor.execute(_SQL["last_beat"])
            [(written_at,)] = cursor.fetchall()
            return float(written_at)
