"""A restored copy of the database, before any application may log in: master alone does.

Ids of a copy can be compared with tombstones only by marking each of them, so all are read: by
COPY, which needs no memory for them and reads a cold volume in its own order.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from psycopg2 import sql

from privacy import order, remains, statistics
from privacy.database import Database
from streamflix import fence
from streamflix.addresses import Place
from streamflix.ca import CA_FILE
from streamflix.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    import psycopg2.extensions as pg

    from privacy.data_map import DataMap
    from streamflix.addresses import Address
    from streamflix.secrets import Secret

# The work role of the eraser, so that a replay may do what an erasure may, and nothing else.
ENTER = "SET ROLE privacy_erase"
ID_BYTES = 16
READ_SECONDS = 600  # all ids of one table
IDS_PER_STATEMENT = 10_000

_DIRECTORY = Path(__file__).parent / "sql"
_SHUT = (_DIRECTORY / "shut_accounts.sql").read_text()
_VALUES = (_DIRECTORY / "values_in_statistics.sql").read_text()


class Found(NamedTuple):
    """Accounts of the copy: those with a tombstone, with it, and those that wait for theirs."""

    erased: list[tuple[UUID, bytes]]
    waiting: list[UUID]


class Restored:
    """The copy at an address. Safe to repeat and to interrupt, as the eraser is."""

    def __init__(
        self, address: Address, master: Secret, data_map: DataMap, ca_file: Path = CA_FILE
    ) -> None:
        """Raises: `DatabaseUnreachable`, `CredentialsRefused`, and what reading the secret does."""
        self._map = data_map
        self._postgres = Postgres(
            Place(address),
            "writer",
            master,
            application_name="streamflix-privacy-replay",
            prepare=ENTER,
            ca_file=ca_file,
        )
        # No address book knows this database: it is held to the epoch that it has now.
        with self._postgres.transaction() as cursor:
            cursor.execute("SELECT epoch FROM ops.epoch")
            (life,) = cursor.fetchone() or (0,)
        self._book = Place(address, life)
        self.eraser = Database(self._book, self._postgres, data_map)

    def close(self) -> None:
        self._postgres.close()

    def find(self, key: bytes, marks: AbstractSet[bytes], subjects: AbstractSet[str]) -> Found:
        """Every account that has one of these marks, or is one of these subjects."""
        found = Found([], [])
        marked = fence.marker(key)

        def look(identifier: bytes) -> None:
            if (mark := marked(identifier)) in marks:
                found.erased.append((UUID(bytes=identifier), mark))
            elif subjects and fence.subject(key, account := UUID(bytes=identifier)) in subjects:
                found.waiting.append(account)

        with fence.transaction(self._book, self._postgres) as (cursor, _):
            _each(cursor, self._map.root, "account_id", look)
        return found

    def shut(self, accounts: Sequence[UUID]) -> None:
        """Let nobody add to these accounts; all or nothing."""
        with fence.transaction(self._book, self._postgres) as (cursor, _):
            for some in _some(accounts):
                cursor.execute(_SHUT, order.about(some))

    def forget(self) -> None:
        """Analyse every personal table: a copy's statistics may be of before its rows went."""
        for table in self._map.personal:
            with fence.transaction(self._book, self._postgres) as (cursor, _):
                statistics.forget(cursor, table)

    def remains(self, key: bytes, marks: AbstractSet[bytes], ids: Sequence[UUID]) -> dict[str, int]:
        """Where somebody is left, to how often; empty when nobody is.

        Every account, profile and device of the copy is marked once more, and what the planner's
        statistics show; children without their parents no foreign key allows. `ids` are looked for
        in every column where an id can stand.
        """
        marked = fence.marker(key)
        left: Counter[str] = Counter()
        with fence.transaction(self._book, self._postgres) as (cursor, _):
            for table, column in _own_ids(self._map):
                place = f"{table}.{column}"
                left[place] += _count(cursor, table, column, lambda it: marked(it) in marks)
            for place, value in _shown(cursor, self._map):
                left[f"statistics {place}"] += marked(value.bytes) in marks
            for some in _some(ids):
                for place, count in remains.in_tables(cursor, self._map, [str(it) for it in some]):
                    left[place] = max(left[place], count)  # it may have been found above
        return {place: count for place, count in sorted(left.items()) if count}


class _Ids:
    """The file that COPY writes to: PostgreSQL sends a message for each row."""

    def __init__(self, look: Callable[[bytes], None]) -> None:
        self._look = look

    def write(self, message: bytes) -> None:
        if len(message) > ID_BYTES:  # but for the end of the format, which is shorter
            self._look(message[-ID_BYTES:])


def _each(cursor: pg.cursor, table: str, column: str, look: Callable[[bytes], None]) -> None:
    """Show every id of a column."""
    cursor.execute(f"SET LOCAL statement_timeout = '{READ_SECONDS}s'")
    rows = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT binary)").format(
        sql.Identifier(column), order.name(table)
    )
    cursor.copy_expert(rows.as_string(cursor), _Ids(look))


def _count(cursor: pg.cursor, table: str, column: str, counts: Callable[[bytes], bool]) -> int:
    found = 0

    def look(identifier: bytes) -> None:
        nonlocal found
        found += counts(identifier)

    _each(cursor, table, column, look)
    return found


def _own_ids(data_map: DataMap) -> Iterator[tuple[str, str]]:
    """The tables of accounts, profiles and devices, with the column of their own id."""
    ids = {"user.unique_id", "user.device.device_id"}
    for dataset in data_map.datasets:
        if dataset.meta.store == "aurora":
            for collection in dataset.collections:
                for column in collection.fields:
                    if column.fides_meta.primary_key and ids & set(column.data_categories):
                        yield f"{dataset.meta.schema}.{collection.name}", column.name


def _shown(cursor: pg.cursor, data_map: DataMap) -> Iterator[tuple[str, UUID]]:
    """The ids that the planner's statistics show, by column."""
    cursor.execute(_VALUES, {"tables": list(data_map.personal)})
    for table, column, values in cursor.fetchall():
        if data_map.telling[table].get(column):
            for value in values:
                try:
                    yield f"{table}.{column}", UUID(value)
                except ValueError:  # an address, a name
                    break


def _some(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for first in range(0, len(ids), IDS_PER_STATEMENT):
        yield ids[first : first + IDS_PER_STATEMENT]
