"""The verification: looks for a person in every store, by ways that the eraser does not know.

The eraser follows the catalog's foreign keys down from the account. This looks for every id that
the person had, in every column where the data map says that such ids stand; in the planner's
statistics; in all keys of the slot; in the files. It shares no code with the eraser, so that a
mistake there is found here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg2 import sql

from privacy.errors import FilesUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any
    from uuid import UUID

    import psycopg2.extensions as pg

    from privacy.data_map import DataMap
    from streamflix.postgres import Postgres
    from streamflix.redis import Redis

# How long a reader may trail before rows on it are remains.
READER_SECONDS = 10.0
READER_PAUSE_SECONDS = 0.1
ALL_KEYS = 1_000_000  # of one slot of 16,384

_SHOWN_IN_STATISTICS = """
SELECT schemaname || '.' || tablename || '.' || attname
  FROM pg_catalog.pg_stats
 WHERE schemaname || '.' || tablename = ANY (%(tables)s)
   AND EXISTS (SELECT FROM unnest(%(values)s::text[]) AS known (value)
                WHERE position(known.value IN lower(concat(
                      most_common_vals::text, histogram_bounds::text,
                      most_common_elems::text))) > 0)
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What a person is known by. Neither its representation nor an error shows any of it."""

    account: UUID = field(repr=False)
    members: Sequence[UUID] = field(repr=False, default=())
    """Of the account, its profiles and its devices."""

    @property
    def ids(self) -> list[str]:
        return sorted({str(each) for each in (self.account, *self.members)})


class Search:
    """Where something was found: ``store place`` to how often. Empty when nothing is left."""

    def __init__(
        self, writer: Postgres, reader: Postgres, redis: Redis, files: Path, data_map: DataMap
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._redis = redis
        self._files = files
        self._map = data_map

    def remains(
        self, known: Known, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> dict[str, int]:
        found: Counter[str] = Counter()
        found.update(self._in_database("writer", self._writer, known))
        found.update(self._on_reader(known, clock, sleep))
        found.update(self._redis.run(lambda cluster: _in_redis(cluster, known)))
        found.update(_in_files(self._files, self._map, known))
        return {place: count for place, count in sorted(found.items()) if count}

    def _on_reader(
        self, known: Known, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> dict[str, int]:
        until = clock() + READER_SECONDS
        while found := self._in_database("reader", self._reader, known):
            if clock() >= until:
                break
            sleep(READER_PAUSE_SECONDS)
        return found

    def _in_database(self, name: str, postgres: Postgres, known: Known) -> dict[str, int]:
        with postgres.transaction() as cursor:
            return {
                f"{name} {place}": count
                for place, count in (
                    *in_tables(cursor, self._map, known.ids),
                    *_in_statistics(cursor, self._map, known),
                )
                if count
            }


def in_tables(
    cursor: pg.cursor, data_map: DataMap, ids: Sequence[str]
) -> Iterator[tuple[str, int]]:
    """How often these ids stand in each column where one can."""
    for schema, table, column in _columns_of_ids(data_map):
        cursor.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE {} = ANY (%s::uuid[])").format(
                sql.Identifier(schema, table), sql.Identifier(column)
            ),
            (list(ids),),
        )
        row = cursor.fetchone()
        yield f"{schema}.{table}.{column}", row[0] if row else 0


def _columns_of_ids(data_map: DataMap) -> Iterator[tuple[str, str, str]]:
    """Every column in which an account, a profile or a device can stand."""
    ids = ("user.unique_id", "user.device.device_id")
    for dataset in data_map.datasets:
        if dataset.meta.store == "aurora":
            for collection in dataset.collections:
                if dataset.meta.erasure[collection.name].action != "keep":
                    for column in collection.fields:
                        if set(column.data_categories) & set(ids):
                            yield dataset.meta.schema, collection.name, column.name


def _in_statistics(cursor: pg.cursor, data_map: DataMap, known: Known) -> Iterator[tuple[str, int]]:
    tables = [
        f"{dataset.meta.schema}.{collection.name}"
        for dataset in data_map.datasets
        if dataset.meta.store == "aurora"
        for collection in dataset.collections
    ]
    cursor.execute(_SHOWN_IN_STATISTICS, {"tables": tables, "values": known.ids})
    for (place,) in cursor.fetchall():
        yield f"statistics {place}", 1


def _in_redis(cluster: Any, known: Known) -> dict[str, int]:
    found: Counter[str] = Counter()
    for identifier in known.ids:
        slot = cluster.keyslot("{" + identifier + "}")
        for node in cluster.get_primaries():
            keys = cluster.execute_command(
                "CLUSTER", "GETKEYSINSLOT", slot, ALL_KEYS, target_nodes=node
            )
            found["redis keys"] += sum(identifier.encode() in key for key in keys)
    return dict(found)


def _is_there(place: Path) -> bool:
    """What cannot be looked at is not gone. Raises: `FilesUnreachable`."""
    try:
        place.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise FilesUnreachable(type(error).__name__) from None
    return True


def _in_files(root: Path, data_map: DataMap, known: Known) -> dict[str, int]:
    found: Counter[str] = Counter()
    if not _is_there(root):
        raise FilesUnreachable("the file system is not mounted")
    for dataset in data_map.datasets:
        for erasure in dataset.meta.erasure.values():
            if dataset.meta.store == "files" and erasure.action != "keep":
                for identifier in known.ids:
                    place = root / erasure.path.replace("<account>", identifier)
                    found["files"] += _is_there(place)
    return dict(found)
