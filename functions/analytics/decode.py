"""Bytes to events. Whatever could never be counted is found here, or in the database."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import product, repeat
from string import ascii_uppercase
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, overload

import msgspec
from msgspec import Meta

from analytics import fingerprint
from analytics.aggregate import MAGIC, BrokenAggregate, payloads

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from analytics.envelope import Record, Records

    Country = str
    Minutes = Mapping[str, Sequence["Event"]]
    # Events of each UTC minute, as in ``2025-11-23T03:12``.
else:
    # msgspec looks a Literal up in C; a pattern would call into `re` for each event.
    Country = Literal[tuple(map("".join, product(ascii_uppercase, repeat=2)))]

LATE_SECONDS = 24 * 3600
EARLY_SECONDS = 120
# A record may hold a hundred thousand parts that are no events; past this it is one pointer.
POINTERS_PER_RECORD = 1_000
# Where something is wrong, so many records are looked at again, and halved until it is found.
PART = 256

Reason = Literal[
    "undecodable",
    "invalid",
    "out_of_window",
    "broken_aggregate",
    "database",
    "unknown_profile",
    "killed_the_consumer",
]
Kind = Literal["play_start", "heartbeat", "pause", "stop", "rebuffer", "error"]
Device = Literal["tv", "mobile", "tablet", "web", "console", "stick"]
Int4 = Annotated[int, Meta(ge=0, le=2**31 - 1)]
# A UUID, as text: objects of that class would cost as much as the rest of the event.
Id = Annotated[str, Meta(min_length=fingerprint.ID_CHARS, max_length=fingerprint.ID_CHARS)]

# A record's sequence number, and the position inside its aggregate.
Place = tuple[int, int | None]

MINUTE_CHARS = len("2025-11-23T03:12")


class Pointer(NamedTuple):
    """Where a record that was not counted lies in the stream. It never carries what is in it."""

    sequence: int
    subsequence: int | None
    reason: Reason


class Event(msgspec.Struct, gc=False):
    """A playback event as events/analytics/playback_event.schema.json describes it."""

    event_id: Id
    type: Kind
    account_id: Id
    profile_id: Id
    session_id: Id
    # The lengths keep long strings out of the caches below.
    title_id: Annotated[str, Meta(max_length=64)]
    device: Device
    country: Country
    position_s: Int4
    watched_s: Annotated[int, Meta(ge=0, le=86_400)]
    bitrate_kbps: Int4
    rebuffer_ms: Annotated[int, Meta(ge=0, le=3_600_000)]
    ts: Annotated[str, Meta(max_length=40)]


class Alone(Sequence[Place]):
    """Places of records that hold one event each. Few are ever asked for, and numbers of 56 digits
    take their time."""

    def __init__(self, numbers: Sequence[str]) -> None:
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> Place: ...

    @overload
    def __getitem__(self, at: slice) -> Alone: ...

    def __getitem__(self, at: int | slice) -> Place | Alone:
        if isinstance(at, slice):
            return Alone(self._numbers[at])
        return int(self._numbers[at]), None


class Decoded(msgspec.Struct):
    """The events of a batch in order, the place of each, and pointers to what is none."""

    events: Sequence[Event] = ()
    places: Sequence[Place] = ()
    rejected: list[Pointer] = msgspec.field(default_factory=list)
    marks: bytes = b""
    """The fingerprint of each event's id."""
    minutes: Minutes = msgspec.field(default_factory=dict)
    """The same events."""
    accounts: bytes = b""
    """The fingerprint of each event's account, where all are of one minute and it was at hand."""

    def __post_init__(self) -> None:
        if self.events and not self.minutes:
            self.minutes = by_minute(self.events)


def decode(records: Records) -> Decoded:
    """The events of a batch. One that is wrong takes no other with it."""
    at_once = _decode_at_once(records)
    if at_once is not None:
        return at_once
    if len(records) == 1:
        return _decode_record(records[0])
    size = max(1, min(PART, len(records) // 2))
    parts = [decode(records[at : at + size]) for at in range(0, len(records), size)]
    return Decoded(
        [event for part in parts for event in part.events],
        [place for part in parts for place in part.places],
        [pointer for part in parts for pointer in part.rejected],
        b"".join([part.marks for part in parts]),
    )


def by_minute(events: Sequence[Event]) -> Minutes:
    """Events of each UTC minute. A batch has one or two, as a rule."""
    minutes = [event.ts[:MINUTE_CHARS] for event in events]
    if len(set(minutes)) == 1:
        return {minutes[0]: events}
    found: dict[str, list[Event]] = defaultdict(list)
    for minute, event in zip(minutes, events, strict=True):
        found[minute].append(event)
    return found


_parse = msgspec.json.Decoder(Event).decode


def _decode_at_once(records: Records) -> Decoded | None:
    """Nothing, unless every payload of the batch is an event. What the events have in common is
    looked at once, which halves the cost, and almost every batch is like that."""
    try:
        events, places = _parsed(records)
        marks = fingerprint.of([event.event_id for event in events])
        accounts = fingerprint.of([event.account_id for event in events])
        for column in (
            [event.profile_id for event in events],
            [event.session_id for event in events],
        ):
            fingerprint.check(column)
    except (BrokenAggregate, ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None
    if not all(map(_is_title, {event.title_id for event in events})):
        return None
    seconds = _seconds(events, records.arrivals)
    if seconds is None:
        return None
    minutes = {second[:MINUTE_CHARS] for second in seconds}
    if len(minutes) != 1:
        return Decoded(events, places, marks=marks)
    return Decoded(events, places, marks=marks, minutes={minutes.pop(): events}, accounts=accounts)


def _parsed(records: Records) -> tuple[Sequence[Event], Sequence[Place]]:
    """Events, and the place of each. No aggregate is JSON, and to try costs less than to look.

    Raises: `BrokenAggregate`, `ValueError`, `RecursionError`.
    """
    try:
        return [_parse(data) for data in records.data], Alone(records.numbers)
    except (ValueError, RecursionError):
        if not any(data.startswith(MAGIC) for data in records.data):
            raise
    parts, places = _unpacked(records)
    return [_parse(part) for part in parts], places


def _unpacked(records: Records) -> tuple[Sequence[bytes], Sequence[Place]]:
    """Payloads, and the place of each. Raises: `BrokenAggregate`."""
    parts: list[bytes] = []
    places: list[Place] = []
    for record in records:
        packed = payloads(record.data)
        if packed is None:
            parts.append(record.data)
            places.append((record.sequence, None))
        else:
            parts += packed
            places += zip(repeat(record.sequence), range(len(packed)))
    return parts, places


def _seconds(events: Sequence[Event], arrivals: Sequence[float]) -> Collection[str] | None:
    """The different times, to the second. Nothing, unless each is one and in the window of all
    records."""
    times = {event.ts for event in events}
    texts = {time[:19] for time in times}
    seconds = list(map(_second, texts))
    fractions = set(map(_fraction, {time[19:] for time in times}))
    if None in seconds or None in fractions:
        return None
    known = [second for second in seconds if second is not None]
    if known and (
        min(known) - max(arrivals) < -LATE_SECONDS or max(known) + 1 - min(arrivals) > EARLY_SECONDS
    ):
        return None
    return texts


def _decode_record(record: Record) -> Decoded:
    sequence = record.sequence
    try:
        packed = payloads(record.data)
    except BrokenAggregate:
        return Decoded(rejected=[Pointer(sequence, None, "broken_aggregate")])
    parts: Iterable[tuple[int | None, bytes]]
    parts = [(None, record.data)] if packed is None else enumerate(packed)
    events: list[Event] = []
    places: list[Place] = []
    rejected: list[Pointer] = []
    fault: Reason | None
    for subsequence, payload in parts:
        try:
            event = _parse(payload)
            fault = _fault(event, record.arrival)
        except msgspec.ValidationError:
            fault = "invalid"
        except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested beyond reason
            fault = "undecodable"
        if fault is None:
            events.append(event)
            places.append((sequence, subsequence))
        elif len(rejected) <= POINTERS_PER_RECORD:
            rejected.append(Pointer(sequence, subsequence, fault))
    if len(rejected) > POINTERS_PER_RECORD:
        rejected = [Pointer(sequence, None, rejected[0].reason)]
    marks = fingerprint.of([event.event_id for event in events])
    return Decoded(events, places, rejected, marks)


def _fault(event: Event, arrival: float) -> Reason | None:
    """What the types of `Event` do not say."""
    second, fraction = _second(event.ts[:19]), _fraction(event.ts[19:])
    if second is None or fraction is None or not _is_title(event.title_id):
        return "invalid"
    try:
        fingerprint.check((event.event_id, event.account_id, event.profile_id, event.session_id))
    except fingerprint.NotAnId:
        return "invalid"
    if not -LATE_SECONDS <= second + fraction - arrival <= EARLY_SECONDS:
        return "out_of_window"
    return None


# The events of a batch share their seconds, fractions and titles: each is looked at once.


# The hours are spelt out: Python 3.14 takes 24:00:00 for the next day's midnight, and the database
# would meet one minute under two names.
_SECOND = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)


@lru_cache(4096)
def _second(text: str) -> int | None:
    """Seconds since 1970 of ``2025-11-23T03:12:45``."""
    if not _SECOND.fullmatch(text):
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:  # year 0, the 30th of February
        return None


@lru_cache(4096)
def _fraction(text: str) -> float | None:
    """Of ``.123Z`` or ``Z``: UTC only, and never without saying so."""
    if not re.fullmatch(r"(\.\d{1,9})?Z", text, re.ASCII):
        return None
    return float("0" + text[:-1])


@lru_cache(65_536)
def _is_title(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) is not None
