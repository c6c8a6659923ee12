"""Aurora: the fence, and the eraser behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from psycopg2 import Binary, sql

from privacy import catalog, drift, order, statistics
from privacy.errors import DataMapDrifted, OutOfTime, RowsInTheWay
from streamflix import fence
from streamflix.errors import DataRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    import psycopg2.extensions as pg

    from privacy.data_map import DataMap
    from privacy.order import Step
    from streamflix.addresses import Book
    from streamflix.deadline import Deadline
    from streamflix.fence import Epoch
    from streamflix.postgres import Postgres

# Beyond it, rows go in transactions of their own: one that deletes a million holds its locks, and
# keeps vacuum from everything that died since, for minutes.
ROWS_PER_TRANSACTION = 20_000
SHARE_LEFT = 0.25
# Longer than anything can bring an event or a row back: backups 35 days, the stream 7, queues 14.
TOMBSTONE_DAYS = 120
# Of a restored copy, in which many go at once.
ACCOUNTS_PER_TRANSACTION = 1_000
MARKS_PER_STATEMENT = 50_000

_DIRECTORY = Path(__file__).parent / "sql"
_SQL = {path.stem: path.read_text() for path in _DIRECTORY.glob("*.sql")}
_FIND = {
    "controller_customer_id": "SELECT account_id FROM app.account WHERE account_id = %s",
    "email": "SELECT account_id FROM app.account WHERE lower(email) = lower(%s)",
}


class Effect(NamedTuple):
    """What became of rows: `action` is deleted or retained."""

    relation: str
    action: str
    rows: int


@dataclass(frozen=True, slots=True)
class Person:
    """Whose rows go. Neither its representation nor an error shows the id."""

    account: UUID = field(repr=False)


class Database:
    """Safe to repeat and to interrupt: whatever is done stays done and is counted once."""

    def __init__(self, book: Book, postgres: Postgres, data_map: DataMap) -> None:
        """`postgres` leads to the book's writer, as login privacy."""
        self._book = book
        self._postgres = postgres
        self._map = data_map

    def guard(self) -> None:
        """Refuse to go on unless the map names everything. Raises: `DataMapDrifted`."""
        with fence.transaction(self._book, self._postgres) as (cursor, _):
            self._steps(cursor)

    def version(self) -> int:
        """The newest migration of this database."""
        with fence.transaction(self._book, self._postgres) as (cursor, _):
            cursor.execute("SELECT max(version) FROM ops.migration")
            row = cursor.fetchone()
            return int(row[0]) if row and row[0] else 0

    def find(self, identities: Mapping[str, str]) -> dict[str, UUID | None]:
        """Which account each identity belongs to."""
        with fence.transaction(self._book, self._postgres) as (cursor, _):
            found: dict[str, UUID | None] = {}
            for kind, value in identities.items():
                cursor.execute(_FIND[kind], (value,))
                row = cursor.fetchone()
                found[kind] = UUID(row[0]) if row else None
            return found

    def plan(self, person: Person) -> list[Effect]:
        """What `erase` would do now, in its order; nothing is written.

        Raises: `DataMapDrifted`.
        """
        with fence.transaction(self._book, self._postgres) as (cursor, _):
            cursor.execute("SET TRANSACTION READ ONLY")
            steps = self._steps(cursor)
            return [
                Effect(step.table, _done(self._action(step)), _count(cursor, step, person))
                for step in steps
            ]

    def fence(
        self, person: Person, key: bytes, wrapped_key: bytes, known: Iterable[UUID] = ()
    ) -> list[UUID]:
        """Put tombstones of the account, its profiles and devices; return their ids.

        `known` are those that were found before, and may be gone from a restored copy.
        When this has returned, no transaction that had not seen them is still open.
        Raises: `StatementRefused` when writers held the fence too long.
        """
        with fence.transaction(self._book, self._postgres, fence.ALONE) as (cursor, epoch):
            cursor.execute(_SQL["fence_account"], {"account": str(person.account)})
            members = sorted({*known, *_members(cursor, [person.account])})
            # An event may name an account that was gone before it could be asked for.
            marks = [fence.mark(key, each) for each in {*members, person.account}]
            _put(cursor, epoch, marks, wrapped_key)
        return members

    def members(self, accounts: Sequence[UUID]) -> list[UUID]:
        """The ids of these accounts that are there, and of their profiles and devices."""
        with fence.transaction(self._book, self._postgres) as (cursor, _):
            return _members(cursor, accounts)

    def fence_again(self, marks: Sequence[bytes], wrapped_key: bytes) -> None:
        """Put tombstones that a restored copy has lost, all or nothing.

        Raises: `StatementRefused` when writers held the fence too long.
        """
        with fence.transaction(self._book, self._postgres, fence.ALONE) as (cursor, epoch):
            _put(cursor, epoch, marks, wrapped_key)

    def erase(self, request: UUID, person: Person, deadline: Deadline) -> list[Effect]:
        """Take away every row that is the person's; return what this request has taken so far.

        One transaction, or several when there are many rows; the last one takes the parents.
        Raises: `DataMapDrifted`, `RowsInTheWay`, `OutOfTime`, `StatementRefused`.
        """
        begun = False
        while self._erase_once([request], [person.account], noted=begun):
            begun = True
            _go_on(deadline)
        self._forget_statistics(request)
        return self.erased(request)

    def erase_again(
        self, requests: Sequence[UUID], accounts: Sequence[UUID], deadline: Deadline
    ) -> None:
        """Take away what a restore has brought back; it is counted under each of the requests.

        As `erase`, but for the planner's statistics: whoever repeats erasures has them forgotten
        once, when everybody is gone.
        """
        for first in range(0, len(accounts), ACCOUNTS_PER_TRANSACTION):
            some = accounts[first : first + ACCOUNTS_PER_TRANSACTION]
            while self._erase_once(requests, some, noted=True):
                _go_on(deadline)
            _go_on(deadline)

    def erased(self, request: UUID) -> list[Effect]:
        """What this request has taken away so far."""
        with fence.transaction(self._book, self._postgres) as (cursor, _):
            cursor.execute(
                "SELECT relation, action, affected FROM privacy.erasure"
                " WHERE request_id = %s AND action <> 'analysed' ORDER BY relation, action",
                (str(request),),
            )
            return [Effect(*row) for row in cursor.fetchall()]

    def expire(self) -> int:
        """Delete what a law has let go, and pseudonyms that no event and no backup can need."""
        with fence.transaction(self._book, self._postgres) as (cursor, _):
            cursor.execute("DELETE FROM privacy.retained_invoice WHERE expires_at <= now()")
            expired = int(cursor.rowcount)
            for table, column in (("tombstone", "made_at"), ("erasure", "begun_at")):
                cursor.execute(
                    sql.SQL("DELETE FROM privacy.{} WHERE {} < now() - %s::interval").format(
                        sql.Identifier(table), sql.Identifier(column)
                    ),
                    (f"{TOMBSTONE_DAYS} days",),
                )
            return expired

    def _erase_once(
        self, requests: Sequence[UUID], accounts: Sequence[UUID], *, noted: bool
    ) -> bool:
        """One transaction. Returns whether rows are left."""
        try:
            with fence.transaction(self._book, self._postgres) as (cursor, _):
                steps = self._steps(cursor)
                _lock(cursor, steps, accounts)
                if not noted:
                    for request in requests:
                        statistics.note(cursor, request, steps, self._map.telling, accounts)
                left = ROWS_PER_TRANSACTION
                for step in steps:
                    left -= self._take(cursor, requests, step, accounts, left)
                    if left <= 0:
                        return True
                return False
        except DataRefused as error:
            raise RowsInTheWay(str(error)) from None

    def _steps(self, cursor: pg.cursor) -> list[Step]:
        live = catalog.read(cursor)
        if found := drift.differences(self._map, live):
            raise DataMapDrifted("; ".join(found))
        root = self._map.root
        return order.steps(root, "account_id", live.foreign_keys)

    def _action(self, step: Step) -> str:
        return self._map.personal[step.table].action

    def _take(
        self,
        cursor: pg.cursor,
        requests: Iterable[UUID],
        step: Step,
        accounts: Iterable[UUID],
        most: int,
    ) -> int:
        action = self._action(step)
        statement = sql.SQL(
            _SQL[f"retain_{step.table.replace('.', '_')}"]
            if action == "retain"
            else "DELETE FROM {table} WHERE {condition}"
        ).format(table=order.name(step.table), condition=_first(step, most))
        years = self._map.personal[step.table].years
        cursor.execute(statement, {**order.about(accounts), "years": years})
        taken = cursor.rowcount
        count = {"relation": step.table, "action": _done(action), "affected": taken}
        for request in requests:
            cursor.execute(_SQL["count_erased"], {**count, "request": str(request)})
        return taken

    def _forget_statistics(self, request: UUID) -> None:
        with fence.transaction(self._book, self._postgres) as (cursor, _):
            tables = statistics.noted(cursor, request, list(self._map.personal))
        for table in tables:
            with fence.transaction(self._book, self._postgres) as (cursor, _):
                statistics.forget(cursor, table)


def _go_on(deadline: Deadline) -> None:
    if deadline.seconds_until(SHARE_LEFT) < 0:
        raise OutOfTime("rows are left; the next invocation goes on")


def _done(action: str) -> str:
    return {"delete": "deleted", "retain": "retained"}[action]


def _count(cursor: pg.cursor, step: Step, person: Person) -> int:
    cursor.execute(
        sql.SQL("SELECT count(*) FROM {} WHERE {}").format(order.name(step.table), step.owned),
        order.about([person.account]),
    )
    row: tuple[Any, ...] | None = cursor.fetchone()
    return int(row[0]) if row else 0


def _members(cursor: pg.cursor, accounts: Sequence[UUID]) -> list[UUID]:
    cursor.execute(_SQL["members"], order.about(accounts))
    return [UUID(row[0]) for row in cursor.fetchall()]


def _put(cursor: pg.cursor, epoch: Epoch, marks: Sequence[bytes], wrapped_key: bytes) -> None:
    """Put tombstones and move the epoch, if one of them is new."""
    move = {"epoch": epoch.tombstones + 1, "wrapped_key": Binary(wrapped_key)}
    new = 0
    for first in range(0, len(marks), MARKS_PER_STATEMENT):
        some = [Binary(mark) for mark in marks[first : first + MARKS_PER_STATEMENT]]
        cursor.execute(_SQL["put_tombstones"], {**move, "marks": some})
        new += cursor.rowcount
    if new:
        cursor.execute(_SQL["move_epoch"], move)


def _lock(cursor: pg.cursor, steps: Iterable[Step], accounts: Iterable[UUID]) -> None:
    """Lock what children point at, from the account down: from here on nobody adds a child."""
    for step in reversed(list(steps)):
        if step.is_parent:
            cursor.execute(
                sql.SQL("SELECT FROM {} WHERE {} FOR UPDATE").format(
                    order.name(step.table), step.owned
                ),
                order.about(accounts),
            )


def _first(step: Step, most: int) -> sql.Composable:
    """The persons' first rows of a table; by a predicate, never by a list made before."""
    return sql.SQL("ctid = ANY (ARRAY(SELECT ctid FROM {} WHERE {} LIMIT {}))").format(
        order.name(step.table), step.owned, sql.Literal(most)
    )
