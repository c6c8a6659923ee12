"""What runs now: which numbers are asked for, and how they become one answer. Pure.

Two stores know a part each. Redis knows how many people watched, PostgreSQL what they watched and
how well it ran. Either may be away: then its part is null and `degraded` says so. No number that
is unknown is ever shown as zero.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

SHOWN_MINUTES = 60
SHOWN_TITLES = 10
SETTLING_SECONDS = 10
"""For so long after its end events of a minute are still on their way, as a rule."""

MINUTE = timedelta(minutes=1)


class Sums(NamedTuple):
    """What was counted of a group of rows."""

    plays: int = 0
    watched_s: int = 0
    rebuffer_ms: int = 0
    errors: int = 0

    def told(self) -> dict[str, Any]:
        """As answers show them, with the share of the watch time that was spent waiting."""
        return {**self._asdict(), "rebuffer_ratio": rebuffer_ratio(self)}


class Rollup(NamedTuple):
    """What PostgreSQL knows of a minute: names in the order of their watch time, longest first."""

    total: Sums
    titles: Mapping[str, Sums]
    countries: Mapping[str, Sums]
    devices: Mapping[str, Sums]
    counted_minutes: frozenset[datetime]
    """Of the minutes that are shown, those of which anything was counted."""


class Lag(NamedTuple):
    """How far the consumer is, of the shards that it has counted in the last hour."""

    counted_at: datetime
    quietest_at: datetime
    behind_s: float | None


def rebuffer_ratio(sums: Sums) -> float | None:
    """Seconds of waiting per second of watching; None when nobody watched."""
    if not sums.watched_s:
        return None
    return round(sums.rebuffer_ms / (sums.watched_s * 1000), 6)


def last_complete_minute(now: datetime) -> datetime:
    """The newest minute that is over, with a little time for its last events to arrive."""
    settled = now - timedelta(seconds=SETTLING_SECONDS)
    return settled.replace(second=0, microsecond=0) - MINUTE


def shown_minutes(newest: datetime) -> list[datetime]:
    """The hour that ends with this minute, oldest first."""
    return [newest - MINUTE * age for age in reversed(range(SHOWN_MINUTES))]


def key(minute: datetime, suffix: str = "") -> str:
    """Of the HyperLogLog that the consumer keeps of a minute, or of a part of it."""
    name = f"live:{minute.astimezone(UTC):%Y-%m-%dT%H:%M}Z"
    return f"{name}:{suffix}" if suffix else name


def keys(minute: datetime, rollup: Rollup | None) -> list[str]:
    """Every key that one answer needs; each is asked for by a command of its own."""
    wanted = [key(each) for each in shown_minutes(minute)]
    if rollup:
        for prefix, names in _groups(rollup):
            wanted += [key(minute, f"{prefix}{name}") for name in names]
    return wanted


def answer(
    now: datetime,
    rollup: Rollup | None,
    viewers: Mapping[str, int] | None,
    lag: Lag | None,
) -> dict[str, Any]:
    """One answer of `GET /analytics/live`, as openapi.yaml describes it.

    `rollup` and `viewers` are None when their store did not answer; `viewers` has every key of
    `keys`. `lag` is None when nothing was counted in the last hour, or when it is not known.
    """
    minute = last_complete_minute(now)

    def count(at: datetime) -> int | None:
        found = viewers[key(at)] if viewers is not None else None
        # Somebody was counted in PostgreSQL and nobody here: Redis has lost the minute.
        lost = found == 0 and rollup is not None and at in rollup.counted_minutes
        return None if lost else found

    def people(suffix: str) -> int | None:
        # In these groups somebody played, or PostgreSQL would not have named them.
        return (viewers or {}).get(key(minute, suffix)) or None

    current = count(minute)
    return {
        "at": instant(now),
        "minute": instant(minute),
        "viewers": current,
        "minutes": [
            {"minute": instant(each), "viewers": count(each)} for each in shown_minutes(minute)
        ],
        "titles": rollup and _ranked("title_id", "", rollup.titles, people)[:SHOWN_TITLES],
        "countries": rollup and _ranked("country", "c:", rollup.countries, people),
        "devices": rollup and _ranked("device", "d:", rollup.devices, people),
        "quality": rollup and rollup.total.told(),
        "lag": _lag(now, lag) if rollup else None,
        "degraded": ["viewers"] * (current is None) + ["rollups"] * (rollup is None),
    }


def instant(moment: datetime) -> str:
    """RFC 3339, UTC, whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _groups(rollup: Rollup) -> Iterable[tuple[str, Iterable[str]]]:
    return (("", rollup.titles), ("c:", rollup.countries), ("d:", rollup.devices))


def _ranked(
    label: str, prefix: str, groups: Mapping[str, Sums], people: Callable[[str], int | None]
) -> Sequence[dict[str, Any]]:
    """By viewers; those of whom nobody knows stay in the order of their watch time."""
    told = [
        {label: name, "viewers": people(f"{prefix}{name}"), **sums.told()}
        for name, sums in groups.items()
    ]
    return sorted(told, key=lambda each: -(each["viewers"] or 0))


def _lag(now: datetime, lag: Lag | None) -> dict[str, Any]:
    if lag is None:
        return {"counted_at": None, "silent_s": None, "quietest_shard_s": None, "behind_s": None}
    return {
        "counted_at": instant(lag.counted_at),
        "silent_s": _age(now, lag.counted_at),
        "quietest_shard_s": _age(now, lag.quietest_at),
        "behind_s": None if lag.behind_s is None else max(0.0, round(lag.behind_s, 1)),
    }


def _age(now: datetime, then: datetime) -> float:
    """In seconds; two clocks may differ by a little."""
    return max(0.0, round((now - then).total_seconds(), 1))
