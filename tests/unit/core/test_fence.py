"""Tombstones: who is erased, without who that was."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from typing import Any

from streamflix import fence

KEY = b"k" * 32


class Cursor:
    """The two tables of the fence."""

    def __init__(self) -> None:
        self.marks: list[tuple[int, bytes]] = []
        self.asked: list[str] = []
        self._rows: list[tuple[bytes]] = []

    def execute(self, statement: str, values: tuple[int, ...] = ()) -> None:
        self.asked.append("key" if "wrapped_key" in statement else "marks")
        self._rows = (
            [(b"wrapped",)]
            if "wrapped_key" in statement
            else [(mark,) for epoch, mark in self.marks if epoch > values[0]]
        )

    def fetchone(self) -> tuple[bytes] | None:
        return self._rows[0]

    def fetchall(self) -> list[tuple[bytes]]:
        return self._rows


def tombstones() -> fence.Tombstones:
    return fence.Tombstones(lambda _: KEY)


def refresh(known: fence.Tombstones, cursor: Any, epoch: int, life: int = 1) -> None:
    known.refresh(cursor, fence.Epoch(life, epoch))


def test_the_ledgers_name_and_the_mark_are_made_with_the_key_and_tell_nothing_of_each_other() -> (
    None
):
    who = uuid.uuid4()
    mark = hashlib.blake2b(who.bytes, digest_size=16, key=KEY, person=b"tombstone").digest()

    assert fence.subject(KEY, who) == hmac.new(KEY, who.bytes, hashlib.sha256).hexdigest()
    assert fence.mark(KEY, who) == mark
    assert fence.mark(b"x" * 32, who) != mark


def test_without_a_tombstone_nobody_is_asked_for_the_key() -> None:
    known, cursor = tombstones(), Cursor()

    refresh(known, cursor, 0)

    assert cursor.asked == []
    assert not known.hold([uuid.uuid4().bytes])


def test_only_what_is_new_is_read() -> None:
    known, cursor = tombstones(), Cursor()
    first, second, alive = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    cursor.marks = [(1, fence.mark(KEY, first))]
    refresh(known, cursor, 1)
    refresh(known, cursor, 1)
    cursor.marks.append((2, fence.mark(KEY, second)))
    refresh(known, cursor, 2)

    assert cursor.asked == ["key", "marks", "marks"]
    assert known.hold([alive.bytes, first.bytes])
    assert known.hold([second.bytes])
    assert not known.hold([alive.bytes])


def test_an_epoch_that_went_back_is_another_database() -> None:
    known, cursor = tombstones(), Cursor()
    who = uuid.uuid4()
    cursor.marks = [(5, fence.mark(KEY, who))]
    refresh(known, cursor, 5)
    cursor.marks = []
    refresh(known, cursor, 1)

    assert not known.hold([who.bytes])


def test_the_same_epoch_of_another_life_is_read_anew() -> None:
    """A restored copy counts on from where it was taken."""
    known, cursor = tombstones(), Cursor()
    before, later = uuid.uuid4(), uuid.uuid4()
    cursor.marks = [(5, fence.mark(KEY, before))]
    refresh(known, cursor, 5)
    cursor.marks.append((5, fence.mark(KEY, later)))
    refresh(known, cursor, 5, life=2)

    assert known.hold([later.bytes])


def test_who_marks_many_gets_the_same_marks() -> None:
    who = [uuid.uuid4() for _ in range(3)]
    marked = fence.marker(KEY)

    assert [marked(each.bytes) for each in who] == [fence.mark(KEY, each) for each in who]
