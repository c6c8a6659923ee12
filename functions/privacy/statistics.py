"""The planner's statistics: PostgreSQL keeps values of rows in them that are long deleted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from psycopg2 import sql

from privacy import order
from privacy.errors import StatisticsKept

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    import psycopg2.extensions as pg

    from privacy.order import Step

_DIRECTORY = Path(__file__).parent / "sql"
_SQL = {
    name: (_DIRECTORY / f"{name}.sql").read_text()
    for name in ("columns_with_statistics", "count_erased", "analysed_since")
}


def note(cursor: pg.cursor, request: UUID, steps: Iterable[Step], account: UUID) -> None:
    """Put on record which tables' statistics show values that only this person has."""
    owned = {step.table: step.owned for step in steps}
    cursor.execute(_SQL["columns_with_statistics"], {"tables": list(owned)})
    columns = cursor.fetchall()
    if not columns:
        return
    query = sql.SQL(" UNION ").join(
        _shown(table, column, owned[table]) for table, column in columns
    )
    cursor.execute(query, {"account": str(account)})
    for (table,) in cursor.fetchall():
        count = {"request": str(request), "relation": table, "action": "analysed"}
        cursor.execute(_SQL["count_erased"], {**count, "affected": 0})


def forget(cursor: pg.cursor, request: UUID, tables: Sequence[str]) -> None:
    """ANALYZE what showed values of the person. Raises: `StatisticsKept`."""
    about = {"request": str(request), "tables": list(tables)}
    cursor.execute(
        "SELECT relation FROM privacy.erasure"
        " WHERE request_id = %(request)s AND action = 'analysed'",
        about,
    )
    shown = {table for (table,) in cursor.fetchall()}
    cursor.execute(_SQL["analysed_since"], about)
    shown |= {table for (table,) in cursor.fetchall()}
    by_schema: dict[str, list[str]] = {}
    for table in sorted(shown):
        schema, _, name = table.partition(".")
        by_schema.setdefault(schema, []).append(name)
    for schema, names in by_schema.items():
        _analyse(cursor, schema, names)


def _shown(table: str, column: str, owned: sql.Composable) -> sql.Composable:
    """The table's name, when its statistics show a value that is the person's and nobody else's."""
    schema, _, name = table.partition(".")
    return sql.SQL(
        """SELECT {label} WHERE EXISTS (
             SELECT FROM (SELECT DISTINCT {column} AS value FROM {table} WHERE {owned}) AS own
               JOIN (SELECT unnest(coalesce(most_common_vals::text::text[], '{{}}')
                                || coalesce(histogram_bounds::text::text[], '{{}}')) AS value
                       FROM pg_catalog.pg_stats
                      WHERE schemaname = {schema} AND tablename = {name} AND attname = {attribute}
                    ) AS shown ON shown.value = own.value::text
              WHERE NOT EXISTS (SELECT FROM {table}
                                 WHERE {column} = own.value AND NOT ({owned})))"""
    ).format(
        label=sql.Literal(table),
        table=order.name(table),
        column=sql.Identifier(column),
        owned=owned,
        schema=sql.Literal(schema),
        name=sql.Literal(name),
        attribute=sql.Literal(column),
    )


def _analyse(cursor: pg.cursor, schema: str, tables: list[str]) -> None:
    notices: list[str] = cursor.connection.notices
    notices.clear()
    cursor.execute(
        sql.SQL("SELECT {}(%s)").format(sql.Identifier(schema, "forget_statistics")), (tables,)
    )
    if notices:
        raise StatisticsKept(f"ANALYZE of {schema}: PostgreSQL warned")
