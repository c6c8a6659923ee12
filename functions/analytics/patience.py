"""Waiting for infrastructure inside an invocation, because failing one makes it worse.

Lambda halves a batch that failed. An outage would leave batches of one record behind, and the way
back to the tip of the stream would take hours.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

from streamflix import log
from streamflix.errors import Retryable

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamflix.deadline import Deadline

T = TypeVar("T")

SHARE_LEFT = 0.2
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 3.0

logger = log.get("analytics")


def persist(
    act: Callable[[], T], deadline: Deadline, sleep: Callable[[float], None] = time.sleep
) -> T:
    """Run `act` until it raises nothing `Retryable`, or a fifth of the invocation's time is left.

    `act` must be safe to repeat. Raises: its last `Retryable`; anything else at once.
    """
    wait = FIRST_WAIT_SECONDS
    while True:
        try:
            return act()
        except Retryable as error:
            pause = wait * random.uniform(0.5, 1.0)  # noqa: S311  spreads load, guards nothing
            if deadline.seconds_until(SHARE_LEFT) < pause:
                raise
            logger.warning(
                "waiting for infrastructure",
                extra={"error": type(error).__name__, "reason": str(error)},
            )
            sleep(pause)
            wait = min(wait * 2, LONGEST_WAIT_SECONDS)
