"""The planner's statistics: PostgreSQL keeps values of rows in them that are long deleted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from psycopg2 import sql

from privacy import order
from privacy.errors import StatisticsKept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    import psycopg2.extensions as pg

    from privacy.order import Step

ANALYSE_SECONDS = 120
OTHERS_LOOKED_AT = 10_000  # rows

_DIRECTORY = Path(__file__).parent / "sql"
_SQL = {
    name: (_DIRECTORY / f"{name}.sql").read_text()
    for name in ("values_in_statistics", "count_erased", "analysed_since")
}


class Shown(NamedTuple):
    """A column, whether two people never have the same in it, and its values in the statistics."""

    column: str
    unique: bool
    values: list[str]


def note(
    cursor: pg.cursor,
    request: UUID,
    steps: Iterable[Step],
    telling: Mapping[str, Mapping[str, bool]],
    accounts: Sequence[UUID],
) -> None:
    """Put on record which tables' statistics show values that tell who the persons are.

    `telling` names the columns of each table that can: ids, addresses, names and free text. Another
    column, such as a country, shows what others have as well.
    """
    owned = {step.table: step.owned for step in steps}
    cursor.execute(_SQL["values_in_statistics"], {"tables": list(owned)})
    by_table: dict[str, list[Shown]] = {}
    for table, column, values in cursor.fetchall():
        if column in telling[table]:
            shown = Shown(column, telling[table][column], values)
            by_table.setdefault(table, []).append(shown)
    for table, columns in by_table.items():
        if _shows(cursor, table, columns, owned[table], accounts):
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
    cursor: pg.cursor,
    table: str,
    columns: list[Shown],
    owned: sql.Composable,
    accounts: Sequence[UUID],
) -> bool:
    """Whether a value is shown that is the persons' and nobody else's."""
    about = order.about(accounts)
    matches = sql.SQL(", ").join(
        sql.SQL("bool_or({}::text = ANY ({}))").format(
            sql.Identifier(each.column), sql.Literal(each.values)
        )
        for each in columns
    )
    # An aggregate, not EXISTS: for the first match the planner would read the whole table.
    cursor.execute(
        sql.SQL("SELECT {} FROM {} WHERE {}").format(matches, order.name(table), owned), about
    )
    found = cursor.fetchone() or ()
    hits = [each for each, has in zip(columns, found, strict=True) if has]
    return any(each.unique or _alone(cursor, table, each, owned, about) for each in hits)


def _alone(
    cursor: pg.cursor, table: str, shown: Shown, owned: sql.Composable, about: dict[str, list[str]]
) -> bool:
    """Whether one of the names that the person has and the statistics show may be nobody else's. A
    name that is common stands among the first rows; another one is taken for the person's, because
    reading a whole table takes longer than analysing it does."""
    cursor.execute(
        sql.SQL(
            "SELECT DISTINCT {column} FROM {table}"
            " WHERE ({owned}) AND {column}::text = ANY ({values})"
        ).format(
            column=sql.Identifier(shown.column),
            table=order.name(table),
            owned=owned,
            values=sql.Literal(shown.values),
        ),
        about,
    )
    for (value,) in cursor.fetchall():
        cursor.execute(
            sql.SQL(
                "SELECT FROM (SELECT {column} AS other FROM {table} WHERE NOT ({owned})"
                " LIMIT {most}) AS others WHERE other = %(value)s LIMIT 1"
            ).format(
                column=sql.Identifier(shown.column),
                table=order.name(table),
                owned=owned,
                most=sql.Literal(OTHERS_LOOKED_AT),
            ),
            {**about, "value": value},
        )
        if not cursor.rowcount:
            return True
    return False
