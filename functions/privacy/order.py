"""In which order tables lose a person's rows, and which rows those are. Pure.

Follows the foreign keys of the live catalog down from the table of accounts.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, NamedTuple

from psycopg2 import sql

from privacy.errors import DataMapDrifted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from privacy.data_map import ForeignKey


class Step(NamedTuple):
    """A table, and the rows of it that are the persons': an SQL condition on ``%(accounts)s``."""

    table: str
    owned: sql.Composable
    is_parent: bool


def steps(root: str, root_column: str, keys: Iterable[ForeignKey]) -> list[Step]:
    """Children before parents, `root` last.

    A row belongs to a person when any of its foreign keys says so. A key from a table to itself
    adds nothing: whatever the person's rows point at, they go in one statement.
    Raises: `DataMapDrifted` when tables refer to each other in a circle.
    """
    below = _below(root, [key for key in keys if key.child != key.parent])
    try:
        parents_first = list(
            TopologicalSorter({t: {k.parent for k in ks} for t, ks in below.items()}).static_order()
        )
    except CycleError as error:
        raise DataMapDrifted(f"tables in a circle: {' > '.join(error.args[1])}") from None
    owned: dict[str, sql.Composable] = {
        root: sql.SQL("{} = ANY (%(accounts)s::uuid[])").format(sql.Identifier(root_column))
    }
    for table in parents_first:
        if table != root:
            owned[table] = _owned(below[table], owned)
    parents = {key.parent for ks in below.values() for key in ks}
    return [Step(table, owned[table], table in parents) for table in reversed(parents_first)]


def about(accounts: Iterable[UUID]) -> dict[str, list[str]]:
    """Whose rows a step's condition means."""
    return {"accounts": [str(each) for each in accounts]}


def name(table: str) -> sql.Composable:
    return sql.Identifier(*table.split("."))


def _below(root: str, keys: list[ForeignKey]) -> Mapping[str, list[ForeignKey]]:
    """Every table that leads to `root`, with its keys that do."""
    found: dict[str, list[ForeignKey]] = {root: []}
    pending = [root]
    while pending:
        parent = pending.pop()
        for key in keys:
            if key.parent == parent:
                if key.child not in found:
                    found[key.child] = []
                    pending.append(key.child)
                found[key.child].append(key)
    return found


def _owned(keys: list[ForeignKey], owned: Mapping[str, sql.Composable]) -> sql.Composable:
    return sql.SQL(" OR ").join(
        sql.SQL("{} IN (SELECT {} FROM {} WHERE {})").format(
            sql.Identifier(key.column),
            sql.Identifier(key.parent_column),
            name(key.parent),
            owned[key.parent],
        )
        for key in sorted(keys)
    )
