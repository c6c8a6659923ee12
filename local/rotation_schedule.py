"""When Secrets Manager rotates next: by a number of days, a rate or a cron expression.

A rotation starts the moment it is due. AWS opens a window then, at a full hour or at midnight, and
starts at some time in it.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import TYPE_CHECKING, Any

from ministack.services import eventbridge

if TYPE_CHECKING:
    from pathlib import Path

PATCHES: tuple[str, ...] = (
    "ministack.services.eventbridge:_cron_next_fire",
    "ministack.services.eventbridge:_parse_cron_fields",
)

RATE = re.compile(r"rate\((\d+) (hour|day)s?\)")
HOURS = {"hour": 1, "day": 24}
FEWEST_HOURS = 4
MOST_DAYS = 1000

Rules = dict[str, Any]


class Clock:
    """The time, and as many seconds more as a file says, so that a month can pass in a test."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> float:
        try:
            return time.time() + float(self._file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return time.time()


def next_date(rules: Rules, after: float) -> float | None:
    """The next rotation after one at that time; None without a schedule."""
    days, expression = rules.get("AutomaticallyAfterDays"), rules.get("ScheduleExpression", "")
    if days:
        return after + int(days) * 86400
    if found := RATE.fullmatch(expression):
        return after + int(found[1]) * HOURS[found[2]] * 3600
    fields = eventbridge._parse_cron_fields(expression)
    following = fields and eventbridge._cron_next_fire(
        fields, dt.datetime.fromtimestamp(after, dt.UTC)
    )
    return following.timestamp() if following else None


def problem(rules: Rules) -> str | None:
    """What AWS would refuse about these rules, if anything."""
    days, expression = rules.get("AutomaticallyAfterDays"), rules.get("ScheduleExpression")
    if (days is None) == (expression is None):
        return "You must specify either AutomaticallyAfterDays or ScheduleExpression, and not both."
    if days is not None and not 1 <= int(days) <= MOST_DAYS:
        return f"AutomaticallyAfterDays must be between 1 and {MOST_DAYS}."
    if expression is None or eventbridge._parse_cron_fields(expression):
        return None
    found = RATE.fullmatch(expression)
    if not found or int(found[1]) * HOURS[found[2]] < FEWEST_HOURS:
        return "The schedule expression is neither a rate of four hours or more nor a cron()."
    return None
