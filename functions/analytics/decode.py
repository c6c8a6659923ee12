"""Bytes to events. Whatever could never be counted is found here, or in the database."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import product
from string import ascii_uppercase
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple
from uuid import UUID  # noqa: TC003  msgspec reads the annotations

import msgspec
from msgspec import Meta

from analytics.aggregate import BrokenAggregate, payloads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from analytics.envelope import Record

    Country = str
else:
    # msgspec looks a Literal up in C; a pattern would call into `re` for each event.
    Country = Literal[tuple(map("".join, product(ascii_uppercase, repeat=2)))]

LATE_SECONDS = 24 * 3600
EARLY_SECONDS = 120
# A record may hold a hundred thousand parts that are no events; past this it is one pointer.
POINTERS_PER_RECORD = 1_000

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

# A record's sequence number, and the position inside its aggregate.
Place = tuple[int, int | None]


class Pointer(NamedTuple):
    """Where a record that was not counted lies in the stream. It never carries what is in it."""

    sequence: int
    subsequence: int | None
    reason: Reason


class Event(msgspec.Struct, gc=False):
    """A playback event as events/analytics/playback_event.schema.json describes it."""

    event_id: UUID
    type: Kind
    account_id: UUID
    profile_id: UUID
    session_id: UUID
    # The lengths keep long strings out of the caches below.
    title_id: Annotated[str, Meta(max_length=64)]
    device: Device
    country: Country
    position_s: Int4
    watched_s: Annotated[int, Meta(ge=0, le=86_400)]
    bitrate_kbps: Int4
    rebuffer_ms: Annotated[int, Meta(ge=0, le=3_600_000)]
    ts: Annotated[str, Meta(max_length=40)]


@dataclass(slots=True)
class Decoded:
    """The events of a batch in order, the place of each, and pointers to what is none."""

    events: list[Event] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    rejected: list[Pointer] = field(default_factory=list)


def decode(records: Iterable[Record]) -> Decoded:
    """Decode a batch event by event, so that one that is wrong takes no other with it."""
    decoded = Decoded()
    for record in records:
        try:
            parts = payloads(record.data)
        except BrokenAggregate:
            decoded.rejected.append(Pointer(record.sequence, None, "broken_aggregate"))
        else:
            _decode_record(
                decoded, record, ((None, record.data),) if parts is None else enumerate(parts)
            )
    return decoded


_parse = msgspec.json.Decoder(Event).decode


def _decode_record(
    decoded: Decoded, record: Record, parts: Iterable[tuple[int | None, bytes]]
) -> None:
    sequence, arrival, _ = record
    fault: Reason | None
    rejected: list[Pointer] = []
    for subsequence, payload in parts:
        try:
            event = _parse(payload)
            fault = _fault(event, arrival)
        except msgspec.ValidationError:
            fault = "invalid"
        except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested beyond reason
            fault = "undecodable"
        if fault is None:
            decoded.events.append(event)
            decoded.places.append((sequence, subsequence))
        elif len(rejected) <= POINTERS_PER_RECORD:
            rejected.append(Pointer(sequence, subsequence, fault))
    if len(rejected) > POINTERS_PER_RECORD:
        rejected = [Pointer(sequence, None, rejected[0].reason)]
    decoded.rejected += rejected


def _fault(event: Event, arrival: float) -> Reason | None:
    """What the types of `Event` do not say."""
    second, fraction = _second(event.ts[:19]), _fraction(event.ts[19:])
    if second is None or fraction is None or not _is_title(event.title_id):
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
