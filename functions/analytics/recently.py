"""Answers of the last seconds, so that a wall of screens costs no more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

MOST_ANSWERS = 256


class Recently:
    """Of one process, which answers one call at a time."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._answers: dict[Hashable, tuple[float, str]] = {}

    def get(self, question: Hashable, find: Callable[[], str]) -> str:
        """The answer that was found to this question lately, or the one that is found now.

        What `find` raises is not remembered.
        """
        now = self._clock()
        kept = self._answers.get(question)
        if kept and now < kept[0]:
            return kept[1]
        found = find()
        self._answers = {key: it for key, it in self._answers.items() if now < it[0]}
        if len(self._answers) < MOST_ANSWERS:
            # From now on, not from before: what was slow to find is not asked for sooner again.
            self._answers[question] = (self._clock() + self._seconds, found)
        return found
