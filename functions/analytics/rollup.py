"""The rules of counting. Pure: events in, sums out."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analytics import fingerprint

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from analytics.decode import Event, Place

RECENT_EVENTS = 4096
MINUTE_CHARS = len("2025-11-23T03:12")

# Minute (as in ``2025-11-23T03:12``, UTC), title, country, device.
Cell = tuple[str, str, str, str]
PLAYS, WATCHED_S, REBUFFER_MS, ERRORS = range(4)


@dataclass(frozen=True, slots=True)
class Fresh:
    """The events of a batch that were not counted before, and the place of each."""

    events: Sequence[Event]
    places: Sequence[Place]

    def halves(self) -> tuple[Fresh, Fresh]:
        middle = len(self.events) // 2
        return (
            Fresh(self.events[:middle], self.places[:middle]),
            Fresh(self.events[middle:], self.places[middle:]),
        )


@dataclass(frozen=True, slots=True)
class Sifted:
    fresh: Fresh
    duplicates: int
    marks: Sequence[int]  # of every event so far, oldest first

    def recent(self, refused: Collection[Place] = ()) -> bytes:
        """What is to be kept with the watermark, for the next batch.

        An event that was refused is not in it: a corrected copy of it is no duplicate.
        """
        forgotten = set()
        if refused:
            forgotten = {
                fingerprint.of(event.event_id)
                for event, place in zip(self.fresh.events, self.fresh.places, strict=True)
                if place in refused
            }
        kept = [mark for mark in self.marks if mark not in forgotten][-RECENT_EVENTS:]
        return struct.pack(f"<{len(kept)}Q", *kept)


def sift(events: Sequence[Event], places: Sequence[Place], watermark: int, recent: bytes) -> Sifted:
    """Leave out records up to the watermark, and events that their producer sent twice.

    An event is a duplicate when its `event_id` came before in this batch or among the last 4,096
    events of the shard, duplicates included. `recent` holds the fingerprints of those, 8 bytes
    each, oldest first.
    """
    order = list(struct.unpack(f"<{len(recent) // 8}Q", recent))
    seen = set(order)
    fresh = Fresh(new_events := [], new_places := [])
    duplicates = 0
    for event, place in zip(events, places, strict=True):
        if place[0] <= watermark:
            continue
        mark = fingerprint.of(event.event_id)
        order.append(mark)
        if mark in seen:
            duplicates += 1
        else:
            seen.add(mark)
            new_events.append(event)
            new_places.append(place)
    return Sifted(fresh, duplicates, order)


def roll_up(events: Iterable[Event]) -> dict[Cell, list[int]]:
    """Plays, watched seconds, rebuffered milliseconds and errors of each cell."""
    cells: dict[Cell, list[int]] = {}
    for event in events:
        cell = (event.ts[:MINUTE_CHARS], event.title_id, event.country, event.device)
        sums = cells.get(cell)
        if sums is None:
            sums = cells[cell] = [0, 0, 0, 0]
        sums[WATCHED_S] += event.watched_s
        sums[REBUFFER_MS] += event.rebuffer_ms
        if event.type == "play_start":
            sums[PLAYS] += 1
        elif event.type == "error":
            sums[ERRORS] += 1
    return cells
