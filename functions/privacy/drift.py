"""Whether the database and the data map speak of the same things. Pure.

The guard fails closed: what it does not know, it does not excuse. A renamed table is one that is
unknown and one that is missing, and an erasure that went on would report success over its rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from privacy.catalog import Catalog
    from privacy.data_map import DataMap


def differences(data_map: DataMap, catalog: Catalog) -> list[str]:
    """Every difference in words, in order; names of the schema only. Empty when there is none."""
    return sorted(
        {
            *_tables(data_map, catalog),
            *_columns(data_map, catalog),
            *_foreign_keys(data_map, catalog),
            *(f"{place} may keep values of rows" for place in catalog.hidden_places),
        }
    )


def _tables(data_map: DataMap, catalog: Catalog) -> Iterator[str]:
    mapped = data_map.columns
    for name, kind in catalog.kinds.items():
        if name not in mapped:
            yield f"{kind} {name} is not in the map"
        elif kind != "table":
            yield f"{name} is a {kind}; the map knows tables"
    for name in mapped:
        if name not in catalog.kinds:
            yield f"table {name} is in the map, and missing"


def _columns(data_map: DataMap, catalog: Catalog) -> Iterator[str]:
    for name, mapped in data_map.columns.items():
        live = catalog.columns.get(name, mapped)
        for column in live - mapped:
            yield f"column {name}.{column} is not in the map"
        for column in mapped - live:
            yield f"column {name}.{column} is in the map, and missing"


def _foreign_keys(data_map: DataMap, catalog: Catalog) -> Iterator[str]:
    for key in catalog.foreign_keys - data_map.foreign_keys:
        yield f"foreign key {key.child}.{key.column} to {key.parent} is not in the map"
    for key in data_map.foreign_keys - catalog.foreign_keys:
        yield f"foreign key {key.child}.{key.column} to {key.parent} is in the map, and missing"
    for table in catalog.composite_keys:
        yield f"a foreign key of {table} has several columns; the map knows those of one"
