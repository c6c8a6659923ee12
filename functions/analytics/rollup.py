"""The rules of counting. Pure: events in, sums out."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import msgspec

from analytics import fingerprint
from analytics.decode import by_minute

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from analytics.decode import Decoded, Event, Minutes, Place

RECENT_EVENTS = 4096

# Title, country, device.
Cell = tuple[str, str, str]
PLAYS, WATCHED_S, REBUFFER_MS, ERRORS = range(4)


class Fresh(msgspec.Struct, frozen=True):
    """The events of a batch that were not counted before, and the place of each."""

    events: Sequence[Event]
    places: Sequence[Place]
    minutes: Minutes
    """The same events."""
    stops: Sequence[tuple[int, Event]]
    """Those of them that are stops, and the position of each."""

    @classmethod
    def of(
        cls, events: Sequence[Event], places: Sequence[Place], minutes: Minutes | None = None
    ) -> Fresh:
        stops = [(number, event) for number, event in enumerate(events) if event.type == "stop"]
        return cls(events, places, by_minute(events) if minutes is None else minutes, stops)

    def halves(self) -> tuple[Fresh, Fresh]:
        middle = len(self.events) // 2
        return (
            Fresh.of(self.events[:middle], self.places[:middle]),
            Fresh.of(self.events[middle:], self.places[middle:]),
        )


class Sifted(msgspec.Struct, frozen=True):
    fresh: Fresh
    duplicates: int
    marks: Sequence[int]  # of every event so far, oldest first

    def recent(self, refused: Collection[Place] = ()) -> bytes:
        """What is to be kept with the watermark, for the next batch.

        An event that was refused is not in it: a corrected copy of it is no duplicate.
        """
        if not refused:
            return _packed(self.marks[-RECENT_EVENTS:])
        ids = [
            event.event_id
            for event, place in zip(self.fresh.events, self.fresh.places, strict=True)
            if place in refused
        ]
        forgotten = set(_unpacked(fingerprint.of(ids)))
        kept = [mark for mark in self.marks if mark not in forgotten]
        return _packed(kept[-RECENT_EVENTS:])


def sift(decoded: Decoded, watermark: int, recent: bytes) -> Sifted:
    """Leave out records up to the watermark, and events that their producer sent twice.

    An event is a duplicate when its `event_id` came before in this batch or among the last 4,096
    events of the shard, duplicates included. `recent` holds the fingerprints of those, 8 bytes
    each, oldest first. A watermark of 0 lies below every record.
    """
    order = _unpacked(recent)
    seen = set(order)
    marks = _unpacked(decoded.marks)
    unique = set(marks)
    if not watermark and len(unique) == len(marks) and seen.isdisjoint(unique):  # as almost always
        fresh = Fresh.of(decoded.events, decoded.places, decoded.minutes)
        return Sifted(fresh, 0, order + marks)
    new_events, new_places = [], []
    duplicates = 0
    for event, place, mark in zip(decoded.events, decoded.places, marks, strict=True):
        if place[0] <= watermark:
            continue
        order.append(mark)
        if mark in seen:
            duplicates += 1
        else:
            seen.add(mark)
            new_events.append(event)
            new_places.append(place)
    return Sifted(Fresh.of(new_events, new_places), duplicates, order)


def _unpacked(marks: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(marks) // fingerprint.BYTES}Q", marks))


def _packed(marks: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(marks)}Q", *marks)


def roll_up(events: Iterable[Event]) -> dict[Cell, list[int]]:
    """Plays, watched seconds, rebuffered milliseconds and errors of each cell of a minute."""
    cells: dict[Cell, list[int]] = {}
    known, watched, rebuffered = cells.get, WATCHED_S, REBUFFER_MS
    for event in events:
        cell = (event.title_id, event.country, event.device)
        sums = known(cell)
        if sums is None:
            sums = cells[cell] = [0, event.watched_s, event.rebuffer_ms, 0]
        else:
            sums[watched] += event.watched_s
            sums[rebuffered] += event.rebuffer_ms
        kind = event.type
        if kind == "heartbeat":  # almost always
            continue
        if kind == "play_start":
            sums[PLAYS] += 1
        elif kind == "error":
            sums[ERRORS] += 1
    return cells
