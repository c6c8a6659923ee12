"""Moments and lengths of time, as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3_600, 86_400
# Up to here seconds say more than minutes do.
IN_SECONDS = 100.0


def moment(value: float | str) -> datetime:
    """Of seconds since 1970, or of RFC 3339; the room's records have both.

    Raises: `ValueError`, `TypeError`.
    """
    if isinstance(value, str):
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    return datetime.fromtimestamp(value, UTC)


def stamp(at: datetime) -> str:
    """The keys of the room's records; they sort as the moments do."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc(at: datetime, *, seconds: bool = True) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if seconds else f"{at:%Y-%m-%d %H:%M}"


def length(seconds: float) -> str:
    """`31.4 s`, `4 min 12 s`, `3 h 05 min`, `2 d 3 h`."""
    if abs(seconds) < IN_SECONDS:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE:02d} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"
