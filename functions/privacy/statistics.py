"""The planner's statistics: PostgreSQL keeps values of rows in them that are long deleted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from psycopg2 import sql

from privacy import order
from privacy.errors import StatisticsKept

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    import psycopg2.extensions as pg

    from privacy.order import Step

ANALYSE_SECONDS = 120
# A sample tells how often a value is there; so many times as often as the person has it, and
# others have it, too.
OFTEN = 3

_DIRECTORY = Path(__file__).parent / "sql"
_SQL = {
    name: (_DIRECTORY / f"{name}.sql").read_text()
    for name in ("values_in_statistics", "count_erased", "analysed_since")
}


class Shown(NamedTuple):
    """What the statistics of a column show: common values, in how many rows, and bounds."""

    column: str
    common: list[str]
    rows: list[float]
    bounds: list[str]


def note(cursor: pg.cursor, request: UUID, steps: Iterable[Step], account: UUID) -> None:
    """Put on record which tables' statistics show values that only this person may have."""
    owned = {step.table: step.owned for step in steps}
    cursor.execute(_SQL["values_in_statistics"], {"tables": list(owned)})
    by_table: dict[str, list[Shown]] = {}
    for table, *shown in cursor.fetchall():
        by_table.setdefault(table, []).append(Shown(*shown))
    for table, columns in by_table.items():
        if _shows(cursor, table, columns, owned[table], account):
            count = {"request": str(request), "relation": table, "action": "analysed"}
            cursor.execute(_SQL["count_erased"], {**count, "affected": 0})


def noted(cursor: pg.cursor, request: UUID, tables: Sequence[str]) -> list[str]:
    """The tables to be analysed: those, and what was analysed while the erasure was under way."""
    about = {"request": str(request), "tables": list(tables)}
    cursor.execute(
        "SELECT relation FROM privacy.erasure"
        " WHERE request_id = %(request)s AND action = 'analysed'",
        about,
    )
    shown = {table for (table,) in cursor.fetchall()}
    cursor.execute(_SQL["analysed_since"], about)
    return sorted(shown | {table for (table,) in cursor.fetchall()})


def forget(cursor: pg.cursor, table: str) -> None:
    """ANALYZE a table, in a transaction of its own. Raises: `StatisticsKept`."""
    schema, _, name = table.partition(".")
    cursor.execute(f"SET LOCAL statement_timeout = '{ANALYSE_SECONDS}s'")
    notices: list[str] = cursor.connection.notices
    notices.clear()
    cursor.execute(
        sql.SQL("SELECT {}(%s)").format(sql.Identifier(schema, "forget_statistics")), ([name],)
    )
    if notices:
        raise StatisticsKept(f"ANALYZE of {table}: PostgreSQL warned")


def _shows(
    cursor: pg.cursor, table: str, columns: list[Shown], owned: sql.Composable, account: UUID
) -> bool:
    """Whether a value is shown that nobody else may have. Reads the person's rows and no others.

    A bound that the person has is taken for the person's. A common value is somebody else's as well
    when the table has it far more often than the person does.
    """
    about = {"account": str(account)}
    matches = sql.SQL(", ").join(
        sql.SQL("bool_or({}::text = ANY ({}))").format(
            sql.Identifier(each.column), sql.Literal(values)
        )
        for each in columns
        for values in (each.bounds, each.common)
    )
    cursor.execute(
        sql.SQL("SELECT {} FROM {} WHERE {}").format(matches, order.name(table), owned), about
    )
    found = cursor.fetchone() or ()
    if any(found[::2]):
        return True
    common = [each for each, has in zip(columns, found[1::2], strict=True) if has]
    return any(_rare(cursor, table, each, owned, about) for each in common)


def _rare(
    cursor: pg.cursor, table: str, shown: Shown, owned: sql.Composable, about: dict[str, str]
) -> bool:
    cursor.execute(
        sql.SQL("SELECT {column}::text, count(*) FROM {table} WHERE {owned} GROUP BY 1").format(
            column=sql.Identifier(shown.column), table=order.name(table), owned=owned
        ),
        about,
    )
    rows = dict(zip(shown.common, shown.rows, strict=True))
    return any(rows[value] <= OFTEN * own for value, own in cursor.fetchall() if value in rows)
