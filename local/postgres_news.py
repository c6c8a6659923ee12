"""What a cluster tells of itself, as RDS tells it by event."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias


class Happening(enum.Enum):
    FAILOVER_STARTED = enum.auto()
    FAILOVER_COMPLETED = enum.auto()
    RESTARTED = enum.auto()


@dataclass(frozen=True, slots=True)
class News:
    """`member` is who takes over or is back, `former` whom a failover replaces."""

    what: Happening
    member: str
    former: str = ""
    at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))


Tell: TypeAlias = Callable[[News], None]
"""Called with locks held: it must not wait for anybody."""


def to_nobody(_: News) -> None:
    """For a cluster without a cloud around it."""
