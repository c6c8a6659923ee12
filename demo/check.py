"""Compares what the platform counted with the truth, row by row; a difference fails the demo."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from demo.truth import Cell, History, HistoryKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from demo.producer import Ledger, Spot
    from demo.rejects import Pointers
    from demo.truth import Truth

SHOWN: Final = 5
# Redis' HyperLogLog is off by 0.81 % (one standard deviation), upwards as often as downwards; by
# 0.55 % for a few thousand viewers. With 2 % for each of 60 minutes, one good day in 50 would fail.
MINUTE_TOLERANCE: Final = 0.03
MINUTE_SLACK: Final = 5  # viewers; what 3 % is not enough for when there are few
AVERAGE_TOLERANCE: Final = 0.01
ROLLUPS: Final = """
SELECT to_char(minute AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI'), title_id, country, device,
       plays, watched_s, rebuffer_ms, errors
FROM analytics.title_counted() WHERE minute BETWEEN %s AND %s
"""
TOTALS: Final = """
SELECT coalesce(sum(plays), 0), coalesce(sum(watched_s), 0), coalesce(sum(rebuffer_ms), 0),
       coalesce(sum(errors), 0)
FROM analytics.title_counted()
"""
USED_MINUTES: Final = """
SELECT DISTINCT extract(epoch FROM minute)::bigint / 60 FROM analytics.title_counted()
WHERE minute > now() - interval '1 day'
"""
HISTORY: Final = """
SELECT profile_id::text, session_id::text, title_id,
       to_char(stopped_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       position_s, watched_s, device
FROM app.watch_history WHERE session_id = ANY(%s::uuid[])
"""

Rows = dict[Cell, list[int]]


@dataclass(frozen=True)
class Finding:
    """One comparison: `compared` things, and a sentence for each that differs."""

    name: str
    compared: int
    differences: Sequence[str]
    note: str = ""

    @property
    def ok(self) -> bool:
        return not self.differences and self.compared > 0


@dataclass(frozen=True)
class Before:
    """What the rollups held before this day was sent; the day's own part is the difference."""

    rows: Rows
    totals: list[int]


def free_until_ms(cursor: Any, now_ms: int, window_ms: int, max_age_ms: int) -> int | None:
    """When the latest hour ends in whose minutes nothing was counted yet; None: all are taken.

    Right after an hour that was played comes the one before it. Never older than `max_age_ms` at
    its beginning: the platform refuses events of more than a day ago.
    """
    cursor.execute(USED_MINUTES)
    used = {int(minute) for (minute,) in cursor.fetchall()}
    until_ms = now_ms
    while now_ms - (until_ms - window_ms) <= max_age_ms:
        minutes = range((until_ms - window_ms) // 60_000, until_ms // 60_000 + 1)
        taken = [minute for minute in minutes if minute in used]
        if not taken:
            return until_ms
        until_ms = taken[0] * 60_000 - 1
    return None


def look(cursor: Any, since: datetime, until: datetime) -> Before:
    """The rollups of a span of minutes, and the sums of the whole table."""
    cursor.execute(ROLLUPS, (since.replace(second=0, microsecond=0), until))
    rows = {Cell(*row[:4]): [int(count) for count in row[4:]] for row in cursor.fetchall()}
    cursor.execute(TOTALS)
    return Before(rows, [int(total) for total in cursor.fetchone()])


def rollups(before: Before, after: Before, truth: Truth) -> Finding:
    """Every row of the day's minutes is what it was, plus exactly what the truth says."""
    nothing = [0, 0, 0, 0]
    wrong = []
    cells = sorted(after.rows.keys() | truth.rows.keys() | before.rows.keys())
    for cell in cells:
        was, now = before.rows.get(cell, nothing), after.rows.get(cell)
        counted = None if now is None else [b - a for a, b in zip(was, now, strict=True)]
        expected = truth.rows.get(cell)
        if counted != (expected or nothing):
            wrong.append(f"{' '.join(cell)}: counted {counted}, must be {expected}")
    note = "plays, seconds, stalls, errors"
    return Finding("rollup rows", len(truth.rows), wrong, note)


def totals(before: Before, after: Before, truth: Truth) -> Finding:
    """The whole table grew by the day and by nothing else, at no minute whatever."""
    grown = [b - a for a, b in zip(before.totals, after.totals, strict=True)]
    wrong = [] if grown == truth.totals else [f"grew by {grown}, must be {truth.totals}"]
    return Finding("sums of the table", len(grown), wrong, "nothing counted in other minutes")


def history(cursor: Any, truth: Truth) -> Finding:
    """One row for each session that stopped, with what its stop said."""
    cursor.execute(HISTORY, ([key.session_id for key in truth.history],))
    stored = {HistoryKey(*row[:2]): History(*row[2:]) for row in cursor.fetchall()}
    wrong = [
        f"session {key.session_id}: stored {stored.get(key)}, must be {truth.history.get(key)}"
        for key in sorted(stored.keys() | truth.history.keys())
        if stored.get(key) != truth.history.get(key)
    ]
    return Finding(
        "history rows", len(truth.history), wrong, f"{truth.strangers} strangers left out"
    )


def live_key(minute: str) -> str:
    """The HyperLogLog of a minute's viewers; the minute as the truth writes it."""
    return f"live:{minute}Z"


def count_viewers(redis: Any, minutes: Sequence[str]) -> dict[str, int]:
    return {minute: int(redis.pfcount(live_key(minute))) for minute in minutes}


def viewers(counted: Mapping[str, int], truth: Truth) -> Finding:
    """The estimates lie within the error of a HyperLogLog: each by itself, and on average."""
    wrong: list[str] = []
    errors: list[float] = []
    for minute, accounts in sorted(truth.viewers.items()):
        estimate, exact = counted.get(minute, 0), len(accounts)
        errors.append((estimate - exact) / exact)
        if abs(estimate - exact) > max(MINUTE_SLACK, MINUTE_TOLERANCE * exact):
            wrong.append(f"{minute}: about {estimate} viewers, must be {exact}")
    average = fmean(map(abs, errors)) if errors else 0.0
    if average > AVERAGE_TOLERANCE:
        wrong.append(f"off by {average:.1%} on average")
    span = f"{min(errors, default=0.0):+.1%} to {max(errors, default=0.0):+.1%}"
    return Finding("minutes of viewers", len(errors), wrong, f"off by {average:.1%} ({span})")


@dataclass(frozen=True)
class Kind:
    name: str
    sent: int
    rejected: int
    reasons: str


def rejects(ledger: Ledger, pointers: Pointers) -> tuple[Finding, list[Kind]]:
    """Every malformed event has its pointer, and no other event of this day has one."""
    sent = Counter(ledger.marks.values())
    found: dict[str, list[str]] = {kind: [] for kind in sent}
    for spot, kind in ledger.marks.items():
        if spot in pointers.reasons:
            found[kind].append(pointers.reasons[spot])
    kinds = [
        Kind(kind, count, len(found[kind]), ", ".join(sorted(set(found[kind]))))
        for kind, count in sent.items()
    ]
    wrong = [
        f"{k.name}: sent {k.sent}, rejected {k.rejected}" for k in kinds if k.sent != k.rejected
    ]
    wrong += [
        f"a good event was rejected as {pointers.reasons[spot]}: {_where(spot)}"
        for spot in pointers.reasons
        if spot not in ledger.marks and ledger.owns(spot)
    ]
    return Finding("pointers to rejects", len(ledger.marks), wrong), kinds


def _where(spot: Spot) -> str:
    place = "the record" if spot.subsequence is None else f"number {spot.subsequence} in the record"
    return f"{place} at {spot.shard} {spot.sequence}"


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
