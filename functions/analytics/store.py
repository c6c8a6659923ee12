"""Rollups, watch history and the watermark of a shard, moved in one transaction."""

from __future__ import annotations

import io
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import psycopg2
from psycopg2.errorcodes import CHECK_VIOLATION, NOT_NULL_VIOLATION
from psycopg2.errors import LockNotAvailable

from analytics import deltas
from analytics.decode import Pointer
from analytics.rollup import Fresh, roll_up, sift
from streamflix import fence
from streamflix.errors import EpochMoved, StatementRefused
from streamflix.postgres import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from typing import Any

    import psycopg2.extensions as pg

    from analytics.decode import Decoded, Event, Minutes, Place
    from analytics.envelope import Batch, Shard
    from streamflix.addresses import AddressBook
    from streamflix.postgres import Postgres

# So many events that are all refused are no accident of theirs.
HOPELESS = 100
# Longer than the moment in which a table is emptied; a merge takes seconds. Rows of the watch
# history are waited for as ever: sql/add_history.sql.
_HURRY = "SET LOCAL lock_timeout = '200ms'"
# libpq sends so much at once.
COPY_BYTES = 1 << 17

_DIRECTORY = Path(__file__).parent / "sql"
_SQL = {path.stem: path.read_text() for path in _DIRECTORY.glob("*.sql")}
STAGING = _SQL["staging"]
_DELTAS = (
    "analytics.title_delta_{}"
    " (minute, title_id, country, device, plays, watched_s, rebuffer_ms, errors)"
)


class Applied(msgspec.Struct):
    """What a batch changed; all zero when it was applied before."""

    ingested: int = 0
    duplicates: int = 0
    pointers: list[Pointer] = msgspec.field(default_factory=list)
    erased: int = 0
    """Events whose person is erased: counted in sums, and nowhere else."""


class Progress(NamedTuple):
    """How far a shard was counted: 0 for not at all."""

    watermark: int = 0
    begun: int = 0
    """The end of a batch that was begun and perhaps never ended; 0 when there is none."""


class Store:
    """Every method is a transaction, refused with `EpochMoved` while the database is not the one
    that the address book means."""

    def __init__(
        self,
        book: AddressBook,
        postgres: Postgres,
        tombstones: fence.Tombstones,
        *,
        recounts: bool = False,
    ) -> None:
        """`postgres` leads to the book's writer and was prepared with `STAGING`. `recounts` is of
        whoever counts what a restore took back; all others are refused until it is counted."""
        self._book = book
        self._postgres = postgres
        self._tombstones = tombstones
        self._recounts = recounts
        self._owed: list[dict[str, object]] = []

    def look_again(self) -> None:
        """Ask the address book anew: a cutover may have flipped it, and nobody may have noticed."""
        self._postgres.forget()

    def progress(self, stream: str) -> dict[str, Progress]:
        """Of every shard that a batch was ever begun of."""
        with self._transaction() as cursor:
            cursor.execute(_SQL["progress"], {"stream": stream})
            return {
                shard: Progress(int(watermark), int(begun))
                for shard, watermark, begun in cursor.fetchall()
            }

    def begin(self, batch: Batch) -> int:
        """Put on record that this batch, of one record as a rule, is begun.

        Returns how often it was by now; 0 when it was counted before.
        """
        with self._transaction() as cursor:
            self._settle(cursor)
            cursor.execute(_SQL["begin_attempt"], _position(batch))
            begun = int(_row(cursor)[0]) if cursor.rowcount else 0
            # The answer to the commit may get lost: then nobody knows whether this one counted,
            # and whoever repeats it takes it back first. At worst a record gets one more try.
            self._owe(batch)
        self._owed.clear()
        return begun

    def call_off(self, batch: Batch) -> None:
        """Take one `begin` back: what stopped the batch was not its record.

        When the database cannot be told now, it is with the next `begin`.
        """
        self._owe(batch)
        with self._transaction() as cursor:
            self._settle(cursor)
        self._owed.clear()

    def apply(
        self,
        batch: Batch,
        decoded: Decoded,
        put_on_record: Callable[[Shard, Sequence[Pointer]], None],
    ) -> Applied:
        """Count a batch exactly once, however often it is applied, whole or in parts.

        `put_on_record` gets every pointer before anything is committed; it must be safe to repeat.
        """
        with self._transaction() as cursor:
            watermark, recent = self._lock(cursor, batch.shard)
            if batch.last <= watermark:
                return Applied()
            counted = watermark if batch.first <= watermark else 0
            sifted = sift(decoded, counted, recent)
            pointers = [pointer for pointer in decoded.rejected if pointer.sequence > watermark]
            if pointers:  # before rows are locked that other shards write, too
                put_on_record(batch.shard, pointers)
            erased = self._erased(sifted.fresh)
            found = _write_all(cursor, sifted.fresh, erased)
            if found:
                put_on_record(batch.shard, found)
            refused = {pointer[:2] for pointer in found if pointer.reason == "database"}
            cursor.execute(
                _SQL["advance_watermark"],
                {
                    **_position(batch),
                    "recent": psycopg2.Binary(sifted.recent(refused)),
                    "arrival": batch.arrival,
                },
            )
        ingested = len(sifted.fresh.events) - len(refused)
        return Applied(ingested, sifted.duplicates, pointers + found, len(erased))

    def _erased(self, fresh: Fresh) -> set[Place]:
        """The places of stops that would write about somebody who is erased."""
        return {
            fresh.places[number]
            for number, event in fresh.stops
            if self._tombstones.hold(map(_id, (event.account_id, event.profile_id)))
        }

    @contextmanager
    def _transaction(self) -> Iterator[pg.cursor]:
        with fence.transaction(self._book, self._postgres, fence.SHARED) as (cursor, epoch):
            if epoch.recounting and not self._recounts:
                raise EpochMoved("events are counted again that a restore took back")
            self._tombstones.refresh(cursor, epoch)
            yield cursor

    def _owe(self, batch: Batch) -> None:
        position = _position(batch)
        if position not in self._owed:
            self._owed.append(position)

    def _settle(self, cursor: pg.cursor) -> None:
        for position in self._owed:
            cursor.execute(_SQL["call_off_attempt"], position)

    def _lock(self, cursor: pg.cursor, shard: Shard) -> tuple[int, bytes]:
        key = {"stream": shard.stream, "shard": shard.name}
        cursor.execute(_SQL["lock_watermark"], key)
        if cursor.rowcount == 0:
            cursor.execute(_SQL["create_watermark"], key)
            cursor.execute(_SQL["lock_watermark"], key)
        sequence, recent = _row(cursor)
        return int(sequence), bytes(recent)


def _id(text: str) -> bytes:
    """Of a UUID that the decoder has let pass; `UUID` itself would take five times as long."""
    return bytes.fromhex(text.replace("-", ""))


def _position(batch: Batch) -> dict[str, object]:
    return {"stream": batch.shard.stream, "shard": batch.shard.name, "sequence": batch.last}


def _row(cursor: pg.cursor) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.fetchone()
    assert row is not None  # noqa: S101  each of these statements returns one
    return row


def _write_all(cursor: pg.cursor, fresh: Fresh, erased: Collection[Place]) -> list[Pointer]:
    """`_write`, unless that would empty the stream into the queue of rejects."""
    pointers = _write(cursor, fresh, erased)
    refused = sum(pointer.reason == "database" for pointer in pointers)
    if refused > HOPELESS and refused == len(fresh.events):
        raise StatementRefused(f"each of {refused} events: a constraint fits none of them")
    return pointers


def _write(cursor: pg.cursor, fresh: Fresh, erased: Collection[Place]) -> list[Pointer]:
    """Write what the database accepts and return pointers to what it does not.

    A value that it refuses takes the whole statement with it, so the batch is halved until the
    event is found; every other event is written.
    """
    if not fresh.events:
        return []
    cursor.execute(f"SAVEPOINT part; {_HURRY}")
    try:
        strangers = _write_part(cursor, fresh, erased)
        cursor.execute("RELEASE SAVEPOINT part")
    except _REFUSED as error:
        if _is_fault_of_schema(error):
            raise StatementRefused(describe(error)) from None
        cursor.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
    else:
        return [Pointer(*fresh.places[number], "unknown_profile") for number in strangers]
    if len(fresh.events) == 1:
        return [Pointer(*fresh.places[0], "database")]
    first, second = fresh.halves()
    pointers = _write(cursor, first, erased)
    cursor.execute("TRUNCATE staged_stop")
    return pointers + _write(cursor, second, erased)


# SQLSTATE classes 22 and 23.
_REFUSED = (psycopg2.DataError, psycopg2.IntegrityError)


def _is_fault_of_schema(error: psycopg2.Error) -> bool:
    """No event has a null, and none lacks a partition: the table does not fit this code."""
    return error.pgcode == NOT_NULL_VIOLATION or (
        error.pgcode == CHECK_VIOLATION and error.diag.constraint_name is None
    )


def _write_part(cursor: pg.cursor, fresh: Fresh, erased: Collection[Place]) -> list[int]:
    """Returns the positions of the stops whose profile does not exist."""
    _append(cursor, _rollup_lines(fresh.minutes))
    stops = [it for it in fresh.stops if not erased or fresh.places[it[0]] not in erased]
    if not stops:
        return []
    _copy(cursor, "staged_stop", _stop_lines(stops))
    cursor.execute(_SQL["add_history"])
    return [number for (number,) in cursor.fetchall()]


def _append(cursor: pg.cursor, lines: Sequence[str]) -> None:
    """To the table whose turn it is, or to the next when that is being added up.

    Raises: `LockNotAvailable` when none is free, and what the driver raises.
    """
    *others, last = deltas.from_open(time.time())
    for table in others:
        try:
            return _copy(cursor, _DELTAS.format(table), lines)
        except LockNotAvailable:
            cursor.execute(f"ROLLBACK TO SAVEPOINT part; {_HURRY}")
    return _copy(cursor, _DELTAS.format(last), lines)


def _copy(cursor: pg.cursor, table: str, lines: Iterable[str]) -> None:
    text = io.BytesIO("".join(lines).encode())
    cursor.copy_expert(f"COPY {table} FROM STDIN", text, size=COPY_BYTES)


# No field holds a tab, a line break or a backslash: the decoder lets none pass.


def _rollup_lines(minutes: Minutes) -> list[str]:
    return [
        f"{minute}Z\t{title}\t{country}\t{device}\t{plays}\t{watched}\t{rebuffered}\t{errors}\n"
        for minute, some in minutes.items()
        for (title, country, device), (plays, watched, rebuffered, errors) in roll_up(some).items()
    ]


def _stop_lines(stops: Iterable[tuple[int, Event]]) -> Iterator[str]:
    for number, event in stops:
        yield (
            f"{number}\t{event.profile_id}\t{event.session_id}\t{event.title_id}\t{event.ts}\t"
            f"{event.position_s}\t{event.watched_s}\t{event.device}\n"
        )
