"""The data map: what every store holds about people, and what an erasure does to it.

A Fides dataset file, read more strictly than Fides does: there, a misspelled key is dropped in
silence and a column without a category is passed over.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from privacy.errors import BadDataMap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILE = Path(__file__).parent / "data_map.yaml"

Text = Annotated[str, Meta(min_length=1)]
Action = Literal["delete", "retain", "keep"]

_PSEUDONYM = "user.unique_id.pseudonymous"
_UNIQUE = ("user.unique_id", "user.device.device_id", "user.contact.email")
_SHARED = ("user.contact", "user.name", "user.content")


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A foreign key; `field` is ``collection.field`` of `dataset`."""

    dataset: Text
    field: Text
    direction: Literal["from"]


class FieldMeta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    primary_key: bool = False
    identity: str = ""
    references: tuple[Reference, ...] = ()


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Text
    description: Text
    data_categories: Annotated[tuple[Text, ...], Meta(min_length=1)]
    fides_meta: FieldMeta = FieldMeta()


class Collection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Text
    description: Text
    fields: Annotated[tuple[Field, ...], Meta(min_length=1)]


class Erasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a collection. `key` is its pattern in Redis, `path` its place in the files;
    `into` is where a law's columns go, for `years` from the end of the year."""

    action: Action
    legal_basis: str = ""
    reason: str = ""
    key: str = ""
    path: str = ""
    into: str = ""
    years: int = 0


class StoreMeta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    store: Literal["aurora", "redis", "files"]
    erasure: dict[str, Erasure]
    schema: str = ""


class Namespace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: Text


class DatasetMeta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    namespace: Namespace


class Dataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fides_key: Text
    name: Text
    description: Text
    meta: StoreMeta
    collections: Annotated[tuple[Collection, ...], Meta(min_length=1)]
    data_uses: tuple[Text, ...] = ()
    data_subjects: tuple[Text, ...] = ()
    fides_meta: DatasetMeta | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dataset: Annotated[tuple[Dataset, ...], Meta(min_length=1)]


class ForeignKey(NamedTuple):
    """Tables are ``schema.table``."""

    child: str
    column: str
    parent: str
    parent_column: str


class DataMap:
    """Raises: `BadDataMap`, once, with every complaint."""

    def __init__(self, datasets: tuple[Dataset, ...], sha256: str) -> None:
        self.datasets = datasets
        self.sha256 = sha256
        if complaints := list(_complaints(self)):
            raise BadDataMap("; ".join(complaints))

    @classmethod
    def parse(cls, content: bytes) -> DataMap:
        try:
            file = msgspec.yaml.decode(content, type=_File)
        except msgspec.MsgspecError as error:
            raise BadDataMap(str(error)) from None
        return cls(file.dataset, hashlib.sha256(content).hexdigest())

    @property
    def columns(self) -> dict[str, frozenset[str]]:
        """Of every table, by ``schema.table``."""
        return {
            _table(dataset, collection.name): frozenset(field.name for field in collection.fields)
            for dataset, collection in self._collections("aurora")
        }

    @property
    def foreign_keys(self) -> frozenset[ForeignKey]:
        by_key = {dataset.fides_key: dataset for dataset in self.datasets}
        return frozenset(
            _foreign_key(dataset, collection, field, reference, by_key)
            for dataset, collection in self._collections("aurora")
            for field in collection.fields
            for reference in field.fides_meta.references
        )

    @property
    def tables(self) -> dict[str, Erasure]:
        """What becomes of each table, by ``schema.table``."""
        return {
            _table(dataset, collection.name): dataset.meta.erasure[collection.name]
            for dataset, collection in self._collections("aurora")
        }

    @property
    def personal(self) -> dict[str, Erasure]:
        """The tables whose rows an erasure takes away."""
        return {table: what for table, what in self.tables.items() if what.action != "keep"}

    @property
    def telling(self) -> dict[str, dict[str, bool]]:
        """The columns of each table whose values tell who somebody is; true where two people never
        have the same, as ids and addresses, false for names and free text."""
        return {
            _table(dataset, collection.name): {
                field.name: _tells(field, _UNIQUE)
                for field in collection.fields
                if _tells(field, (*_UNIQUE, *_SHARED))
            }
            for dataset, collection in self._collections("aurora")
        }

    @property
    def root(self) -> str:
        """The table in which a person is found by the controller's id."""
        (root,) = self.identities("controller_customer_id")
        return root

    @property
    def keys(self) -> dict[str, Erasure]:
        """What becomes of each key of Redis, by its pattern."""
        return {each.key: each for each in self._of("redis")}

    @property
    def paths(self) -> dict[str, Erasure]:
        """What becomes of each place in the files, by its path."""
        return {each.path: each for each in self._of("files")}

    def _of(self, store: str) -> Iterator[Erasure]:
        for dataset, collection in self._collections(store):
            yield dataset.meta.erasure[collection.name]

    def _collections(self, store: str) -> Iterator[tuple[Dataset, Collection]]:
        for dataset in self.datasets:
            if dataset.meta.store == store:
                for collection in dataset.collections:
                    yield dataset, collection

    def identities(self, kind: str) -> list[str]:
        """The tables in which a person is found by this type of identity."""
        return [
            _table(dataset, collection.name)
            for dataset, collection in self._collections("aurora")
            for field in collection.fields
            if field.fides_meta.identity == kind
        ]


@cache
def ours() -> DataMap:
    """The map of this package. Raises: `BadDataMap`."""
    return DataMap.parse(FILE.read_bytes())


def _tells(field: Field, categories: tuple[str, ...]) -> bool:
    return any(category.startswith(categories) for category in field.data_categories)


def _table(dataset: Dataset, collection: str) -> str:
    return f"{dataset.meta.schema}.{collection}"


def _foreign_key(
    dataset: Dataset,
    collection: Collection,
    field: Field,
    reference: Reference,
    by_key: Mapping[str, Dataset],
) -> ForeignKey:
    parent, _, column = reference.field.partition(".")
    schema = by_key[reference.dataset].meta.schema if reference.dataset in by_key else "?"
    return ForeignKey(_table(dataset, collection.name), field.name, f"{schema}.{parent}", column)


def _complaints(data_map: DataMap) -> Iterator[str]:
    for dataset in data_map.datasets:
        yield from _dataset_complaints(dataset)
    if len(roots := data_map.identities("controller_customer_id")) != 1:
        yield f"one field has the identity controller_customer_id, not {len(roots)}"
        return
    if any(table.rpartition(".")[2] not in names for table, names in _actions(data_map)):
        return  # complained about above
    columns = data_map.columns
    keys = data_map.foreign_keys
    for key in sorted(keys):
        if key.parent_column not in columns.get(key.parent, ()):
            yield f"{key.child}.{key.column} references {key.parent}.{key.parent_column}: unknown"
    personal = data_map.personal
    reached = {data_map.root}
    while more := {key.child for key in keys if key.parent in reached} - reached:
        reached |= more
    for table in sorted(set(personal) - reached):
        yield f"{table}: no references lead from it to {data_map.root}"
    for table in sorted(reached - set(personal)):
        yield f"{table}: references lead to {data_map.root}, and it is kept"


def _actions(data_map: DataMap) -> Iterator[tuple[str, Mapping[str, Erasure]]]:
    for dataset in data_map.datasets:
        for collection in dataset.collections:
            yield _table(dataset, collection.name), dataset.meta.erasure


def _dataset_complaints(dataset: Dataset) -> Iterator[str]:
    where = dataset.fides_key
    names = [collection.name for collection in dataset.collections]
    if len(set(names)) != len(names):
        yield f"{where}: a collection stands there twice"
    for name in sorted(set(names) ^ set(dataset.meta.erasure)):
        yield f"{where}.{name}: a collection needs an erasure, and the other way round"
    if (dataset.meta.store == "aurora") != bool(dataset.meta.schema):
        yield f"{where}: a schema is what stores of Aurora have"
    for collection in dataset.collections:
        fields = [field.name for field in collection.fields]
        if len(set(fields)) != len(fields):
            yield f"{where}.{collection.name}: a field stands there twice"
        if erasure := dataset.meta.erasure.get(collection.name):
            yield from _erasure_complaints(dataset, collection, erasure)


def _erasure_complaints(
    dataset: Dataset, collection: Collection, erasure: Erasure
) -> Iterator[str]:
    where = f"{dataset.fides_key}.{collection.name}"
    if erasure.action == "keep":
        if not erasure.reason:
            yield f"{where}: what is kept needs a reason"
        for field in collection.fields:
            for category in field.data_categories:
                if category.startswith("user") and category != _PSEUDONYM:
                    yield f"{where}.{field.name}: {category} is about a person and is kept"
    elif not erasure.legal_basis:
        yield f"{where}: what is erased or retained needs a legal basis"
    if (erasure.action == "retain") != bool(erasure.into and erasure.years):
        yield f"{where}: into and years belong to what is retained"
    needs = {"aurora": "", "redis": erasure.key, "files": erasure.path}[dataset.meta.store]
    if dataset.meta.store != "aurora" and not needs:
        yield f"{where}: where is it? Name its key or path"
    if erasure.action != "keep" and needs and "<account>" not in needs:
        yield f"{where}: {needs} does not say whose it is"
