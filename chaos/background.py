"""Something that goes on beside the game day until it is stopped; its failure is not lost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Background:
    """`work` is called every so many seconds, in a thread of its own, one call after the other."""

    def __init__(self, name: str, every_s: float, work: Callable[[], None]) -> None:
        self.trouble = ""
        """What ended it before its time."""
        self._name = name
        self._every_s = every_s
        self._work = work
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when nothing is under way any more. Safe to repeat, and before `start`."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._end.wait(self._every_s):
                self._work()
        except Exception as error:  # noqa: BLE001  the game day then fails and says why
            self.trouble = f"{self._name} ended by {type(error).__name__}: {error}"
