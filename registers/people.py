"""docs/data-map.md: what each store holds about people, and what becomes of it.

The record of processing that GDPR art. 30 asks for, as far as a platform can write it: categories,
purposes, legal bases and erasure, from the data map that the eraser itself obeys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from privacy import data_map
from registers.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from privacy.data_map import Collection, Dataset, Erasure

INTRODUCTION = """\
# What is known about people

Every table, key pattern and folder, from `functions/privacy/data_map.yaml`, which the eraser itself
obeys: an erasure is refused while a store holds what does not stand here. Categories are
Fideslang's. What the actions mean, and how long anything stays: [privacy](privacy.md).
"""

ACTIONS = {
    "delete": "deleted",
    "retain": "copied without whose it was, then deleted",
    "keep": "stays: it is about nobody",
}


def document() -> str:
    parts = [INTRODUCTION]
    for dataset in data_map.ours().datasets:
        purposes = ", ".join(dataset.data_uses) or "none that concerns people"
        parts.append(f"## {dataset.name}\n\n{dataset.description} Purposes: {purposes}.\n")
        rows = [_row(dataset, each) for each in dataset.collections]
        parts.append(table(["where", "what", "at an erasure", "why", "categories"], rows) + "\n")
    return "\n".join(parts)


def _row(dataset: Dataset, collection: Collection) -> tuple[str, str, str, str, str]:
    erasure = dataset.meta.erasure[collection.name]
    return (
        f"`{_place(dataset, collection, erasure)}`",
        collection.description,
        ACTIONS[erasure.action],
        erasure.reason or _basis(erasure),
        ", ".join(dict.fromkeys(_categories(collection))),
    )


def _place(dataset: Dataset, collection: Collection, erasure: Erasure) -> str:
    return erasure.key or erasure.path or f"{dataset.meta.schema}.{collection.name}"


def _basis(erasure: Erasure) -> str:
    kept = f"; kept in `{erasure.into}` for {erasure.years} years" if erasure.into else ""
    return f"{erasure.legal_basis}{kept}"


def _categories(collection: Collection) -> Iterator[str]:
    for field in collection.fields:
        yield from field.data_categories
