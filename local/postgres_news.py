"""What a cluster tells of itself, as RDS tells it by event."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import datetime as dt


class Happening(enum.Enum):
    FAILOVER_STARTED = enum.auto()
    FAILOVER_COMPLETED = enum.auto()
    RESTARTED = enum.auto()


@dataclass(frozen=True, slots=True)
class News:
    """`member` is who takes over or is back, `former` whom a failover replaces."""

    what: Happening
    member: str
    at: dt.datetime
    former: str = ""


Tell: TypeAlias = Callable[[News], None]
"""Called with locks held: it must not wait for anybody."""


def to_nobody(_: News) -> None:
    """For a cluster without a cloud around it."""
