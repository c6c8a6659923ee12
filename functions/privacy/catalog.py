"""What PostgreSQL says is in the database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from privacy.data_map import ForeignKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg2.extensions as pg

_DIRECTORY = Path(__file__).parent / "sql"
_RELATIONS = (_DIRECTORY / "relations.sql").read_text()
_FOREIGN_KEYS = (_DIRECTORY / "foreign_keys.sql").read_text()
_HIDDEN_PLACES = (_DIRECTORY / "hidden_places.sql").read_text()

_KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
    "partition": "partition",
}


@dataclass(frozen=True, slots=True)
class Catalog:
    """Relations are ``schema.name``."""

    kinds: Mapping[str, str]
    columns: Mapping[str, frozenset[str]]
    foreign_keys: frozenset[ForeignKey]
    composite_keys: frozenset[str]
    """Tables with a foreign key of more than one column."""
    hidden_places: tuple[str, ...]


def read(cursor: pg.cursor) -> Catalog:
    """Needs no grant: the catalog is everybody's."""
    cursor.execute(_RELATIONS)
    relations = cursor.fetchall()
    cursor.execute(_FOREIGN_KEYS)
    keys = cursor.fetchall()
    cursor.execute(_HIDDEN_PLACES)
    hidden = cursor.fetchall()
    return Catalog(
        kinds={name: _KINDS[kind] for name, kind, _ in relations},
        columns={name: frozenset(columns) for name, _, columns in relations},
        foreign_keys=frozenset(ForeignKey(*key[:4]) for key in keys if key[4] == 1),
        composite_keys=frozenset(key[0] for key in keys if key[4] > 1),
        hidden_places=tuple(sorted(place for (place,) in hidden)),
    )
