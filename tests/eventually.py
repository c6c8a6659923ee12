"""Waiting for what must become true, with a deadline that tells what it saw last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def eventually(look: Callable[[], T], within: float, wanted: Callable[[T], object] = bool) -> T:
    """Look again and again until `wanted` accepts what is seen; fails with the last sight.

    `within` is in seconds. Returns the accepted sight.
    """
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if wanted(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s; last seen: {seen!r}")
        time.sleep(0.1)
