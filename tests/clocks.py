"""A clock that only sleeping moves."""

from __future__ import annotations


class Time:
    """Seconds, from `now` on; `slept` is what was slept, in that order."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds
