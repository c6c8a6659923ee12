"""How long this invocation may still take."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Context(Protocol):
    """What Lambda passes beside the event, as far as we look at it."""

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment at which Lambda will end this process, on a clock that only moves forward."""

    at: float
    total_seconds: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, context: Context, clock: Callable[[], float] = time.monotonic) -> Deadline:
        seconds = context.get_remaining_time_in_millis() / 1000
        return cls(clock() + seconds, seconds, clock)

    def remaining_seconds(self) -> float:
        return self.at - self.clock()

    def seconds_until(self, share_left: float) -> float:
        """Until only this share of the time at the beginning is left; negative when past."""
        return self.remaining_seconds() - share_left * self.total_seconds
