"""What a client tried, and how long it had to do without. Pure.

All moments are seconds since 1970 by this machine's clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOW_S: Final = 1.0
"""Somebody who waits for longer calls it an outage, whatever came of it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of a client; `error` is the class of what it got instead of an answer."""

    began: float
    ended: float
    error: str = ""

    @property
    def troubled(self) -> bool:
        return bool(self.error) or self.ended - self.began > SLOW_S


@dataclass(frozen=True, slots=True)
class Outage:
    """`first_failure` is when a client knew; `recovered` when it was served and stayed served."""

    first_failure: float | None
    recovered: float | None
    failed: int
    longest_pause_s: float
    errors: tuple[str, ...]


def outage(attempts: Sequence[Attempt], since: float, until: float = math.inf) -> Outage:
    """What `attempts` (in the order in which they ended) went through since the fault.

    `recovered` is the fault's own moment when nothing was ever wrong, None when it still is.
    """
    attempts = [each for each in attempts if each.ended <= until]
    after = [each for each in attempts if each.ended >= since]
    troubled = [each for each in after if each.troubled]
    failed = [each for each in after if each.error]
    return Outage(
        first_failure=troubled[0].ended if troubled else None,
        recovered=_recovered(after, troubled[-1]) if troubled else since,
        failed=len(failed),
        longest_pause_s=_longest_pause(attempts, since),
        errors=tuple(sorted({each.error for each in failed})),
    )


def _recovered(after: Sequence[Attempt], last: Attempt) -> float | None:
    """A slow answer ends the wait itself; after a failure the next answer does."""
    if not last.error:
        return last.ended
    return next((each.ended for each in after if not each.error and each.ended > last.ended), None)


def _longest_pause(attempts: Sequence[Attempt], since: float) -> float:
    """Between two answers, of which the second came after the fault."""
    answered = [each.ended for each in attempts if not each.error]
    pauses = [later - earlier for earlier, later in pairwise(answered) if later >= since]
    return max(pauses, default=0.0)
