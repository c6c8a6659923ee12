"""Where counts are appended until they are added up: tables that take turns.

Any of them is right for any count, and one of them at most is being added up: who finds it taken
appends to the next.
"""

from __future__ import annotations

TABLES = 3
TURN_SECONDS = 20


def open_at(now: float) -> int:
    """The table that is appended to; `now` in seconds since 1970."""
    return int(now // TURN_SECONDS) % TABLES


def from_open(now: float) -> list[int]:
    """All of them, in the order in which they are tried."""
    first = open_at(now)
    return [(first + ahead) % TABLES for ahead in range(TABLES)]


def settled_at(now: float) -> list[int]:
    """Those that are not appended to, the oldest first."""
    return from_open(now)[1:]


def seconds_to_next_turn(now: float) -> float:
    return TURN_SECONDS - now % TURN_SECONDS
