"""Events that no consumer can be right about, each made from an event that is fine.

A kind is spoiled in one place only and all else about it is valid, so that a consumer that looks at
less than everything lets it pass. Kinds that a lenient decoder accepts (a NUL, a three-letter
country, more than an int4) are the interesting ones: they fail in the database.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from demo import aggregate

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

REQUIRED: Final = (
    "event_id", "type", "account_id", "profile_id", "session_id", "title_id", "device", "country",
    "position_s", "watched_s", "ts",
)  # fmt: skip
HOUR_MS: Final = 3_600_000

Fields = dict[str, Any]


class Draft(NamedTuple):
    """An event that is still fine; `now_ms` is about when it will arrive."""

    event: Fields
    rng: Random
    now_ms: int


def user_record(kind: str, payload: bytes, rng: Random, now_ms: int, event_id: str) -> bytes:
    """The bytes of one malformed event, made from a fine one."""
    event = json.loads(payload) | {"event_id": event_id}
    spoiled = EVENT_KINDS[kind](Draft(event, rng, now_ms))
    return spoiled if isinstance(spoiled, bytes) else _json(spoiled)


def whole_record(kind: str, key: str, payloads: list[bytes]) -> bytes:
    """The bytes of one aggregate out of which nobody can get an event."""
    return RECORD_KINDS[kind](key, payloads)


def _json(event: Fields) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def _truncated(draft: Draft) -> bytes:
    whole = _json(draft.event)
    return whole[: draft.rng.randrange(1, len(whole))]


def _wrong_type(draft: Draft) -> Fields:
    field, value = draft.rng.choice(
        (("position_s", "soon"), ("watched_s", [30]), ("title_id", 7), ("ts", 1_700_000_000))
    )
    return draft.event | {field: value}


def _missing_field(draft: Draft) -> Fields:
    gone = draft.rng.choice(REQUIRED)
    return {field: value for field, value in draft.event.items() if field != gone}


def _unknown_type(draft: Draft) -> Fields:
    return draft.event | {"type": draft.rng.choice(("rewind", "", "PLAY_START"))}


def _nul(draft: Draft) -> Fields:
    return draft.event | {"title_id": draft.event["title_id"] + "\x00"}


def _overflow(draft: Draft) -> Fields:
    return draft.event | {"position_s": draft.rng.choice((2**31, 2**63, 10**30))}


def _negative(draft: Draft) -> Fields:
    return draft.event | {draft.rng.choice(("watched_s", "rebuffer_ms", "position_s")): -1}


def _bad_utf8(draft: Draft) -> bytes:
    lost = draft.rng.choice((b'"\xff\xfe', b'"\xc3(', b'"\xed\xa0\x80'))
    return _json(draft.event).replace(b'"title-', lost)


def _long_country(draft: Draft) -> Fields:
    return draft.event | {"country": draft.rng.choice(("DEU", "FRA", "POL"))}


def _bad_id(draft: Draft) -> Fields:
    return draft.event | {draft.rng.choice(("profile_id", "session_id")): "not-a-uuid"}


def _year_zero(draft: Draft) -> Fields:
    return draft.event | {"ts": "0000" + draft.event["ts"][4:]}


def _stale(draft: Draft) -> Fields:
    return draft.event | {"ts": _instant(draft.now_ms - draft.rng.randint(25, 900) * HOUR_MS)}


def _future(draft: Draft) -> Fields:
    return draft.event | {"ts": _instant(draft.now_ms + draft.rng.randint(2, 900) * HOUR_MS)}


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


EVENT_KINDS: Final[dict[str, Callable[[Draft], Fields | bytes]]] = {
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
