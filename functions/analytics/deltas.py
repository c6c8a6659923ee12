"""Where counts are appended until they are added up: tables that take turns, a minute each.

Any of them is right for any count. Clocks that differ only make somebody wait.
"""

from __future__ import annotations

TABLES = 3
TURN_SECONDS = 60


def open_at(now: float) -> int:
    """The table that is appended to; `now` in seconds since 1970."""
    return int(now // TURN_SECONDS) % TABLES


def settled_at(now: float) -> int:
    """The one before it, whose turn comes again in a minute at the earliest."""
    return (open_at(now) - 1) % TABLES
