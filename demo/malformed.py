"""Events that no consumer can be right about, each made from an event that is fine.

A kind is spoiled in one place only and all else about it is valid, so that a consumer that looks at
less than everything lets it pass. Kinds that a lenient decoder accepts (a NUL, a three-letter
country, more than an int4) are the interesting ones: they fail in the database.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from demo import aggregate

REQUIRED: Final = (
    "event_id", "type", "account_id", "profile_id", "session_id", "title_id", "device", "country",
    "position_s", "watched_s", "ts",
)  # fmt: skip
HOUR_MS: Final = 3_600_000

Fields = dict[str, Any]
Spoil = Callable[[Fields, Random, int], Fields | bytes]


def user_record(kind: str, payload: bytes, rng: Random, now_ms: int, event_id: str) -> bytes:
    """The bytes of one malformed event; `now_ms` is about when it will arrive."""
    event: Fields = json.loads(payload)
    event["event_id"] = event_id
    spoiled = EVENT_KINDS[kind](event, rng, now_ms)
    return spoiled if isinstance(spoiled, bytes) else _json(spoiled)


def whole_record(kind: str, key: str, payloads: list[bytes]) -> bytes:
    """The bytes of one aggregate out of which nobody can get an event."""
    return RECORD_KINDS[kind](key, payloads)


def _json(event: Fields) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def _truncated(event: Fields, rng: Random, now_ms: int) -> bytes:
    whole = _json(event)
    return whole[: rng.randrange(1, len(whole))]


def _wrong_type(event: Fields, rng: Random, now_ms: int) -> Fields:
    field, value = rng.choice(
        (("position_s", "soon"), ("watched_s", [30]), ("title_id", 7), ("ts", 1_700_000_000))
    )
    return event | {field: value}


def _missing_field(event: Fields, rng: Random, now_ms: int) -> Fields:
    del event[rng.choice(REQUIRED)]
    return event


def _unknown_type(event: Fields, rng: Random, now_ms: int) -> Fields:
    return event | {"type": rng.choice(("rewind", "", "PLAY_START"))}


def _nul(event: Fields, rng: Random, now_ms: int) -> Fields:
    return event | {"title_id": event["title_id"] + "\x00"}


def _overflow(event: Fields, rng: Random, now_ms: int) -> Fields:
    return event | {"position_s": rng.choice((2**31, 2**63, 10**30))}


def _negative(event: Fields, rng: Random, now_ms: int) -> Fields:
    return event | {rng.choice(("watched_s", "rebuffer_ms", "position_s")): -1}


def _bad_utf8(event: Fields, rng: Random, now_ms: int) -> bytes:
    return _json(event).replace(b'"title-', rng.choice((b'"\xff\xfe', b'"\xc3(', b'"\xed\xa0\x80')))


def _long_country(event: Fields, rng: Random, now_ms: int) -> Fields:
    return event | {"country": rng.choice(("DEU", "FRA", "POL"))}


def _bad_id(event: Fields, rng: Random, now_ms: int) -> Fields:
    return event | {rng.choice(("profile_id", "session_id")): "not-a-uuid"}


def _year_zero(event: Fields, rng: Random, now_ms: int) -> Fields:
    return event | {"ts": "0000" + event["ts"][4:]}


def _stale(event: Fields, rng: Random, now_ms: int) -> Fields:
    return event | {"ts": _instant(now_ms - rng.randint(25, 900) * HOUR_MS)}


def _future(event: Fields, rng: Random, now_ms: int) -> Fields:
    return event | {"ts": _instant(now_ms + rng.randint(2, 900) * HOUR_MS)}


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


EVENT_KINDS: Final[dict[str, Spoil]] = {
    "truncated": _truncated,
    "wrong type": _wrong_type,
    "missing field": _missing_field,
    "unknown type": _unknown_type,
    "NUL": _nul,
    "overflow": _overflow,
    "negative": _negative,
    "bad UTF-8": _bad_utf8,
    "three-letter country": _long_country,
    "id that is no uuid": _bad_id,
    "year 0": _year_zero,
    "older than a day": _stale,
    "from the future": _future,
}
RECORD_KINDS: Final[dict[str, Callable[[str, list[bytes]], bytes]]] = {
    "broken aggregate checksum": aggregate.with_broken_checksum,
    "broken aggregate message": aggregate.with_broken_message,
}
KINDS: Final = (*EVENT_KINDS, *RECORD_KINDS)
# Well-formed, but of a profile that does not exist: counted, and only its history row is missing.
UNKNOWN_PROFILE: Final = "unknown profile"
