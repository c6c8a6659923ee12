"""Where a rotation is: told from the labels of its version and from the room's log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from account.rotation.schedule import CURRENT, PENDING, PREVIOUS
from account.rotation.verdicts import FINAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from account.rotation.diary import Diary

Outcome = Literal["waiting", "promoted", "called off", "failed", "silent", "endless"]

BOUND_SECONDS = 15 * 60
LOOKS_PER_READING = 4
"""The log is asked less often than the labels."""
GONE_LOOKS = 2
"""In a row without AWSPENDING: one alone may be an old answer."""
APPEARS_SECONDS = 10
"""Within which AWSPENDING is seen, or was there and is gone again."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. A step may take 60; what is silent longer than Secrets Manager waits between two
    attempts has ended."""

    pause: float
    silence: float
    log_delay: float

    @classmethod
    def of(cls, environment: str) -> Pace:
        return cls(0.5, 90, 3) if environment == "local" else cls(2, 300, 20)


@dataclass
class Watch:
    """Looks at one rotation until it ends, in one way or another."""

    login: str
    version: str
    diary: Diary
    pace: Pace
    began: float
    _seen: bool = field(default=False, init=False)
    _gone: int = field(default=0, init=False)
    _looks: int = field(default=0, init=False)
    _entries: int = field(default=0, init=False)
    _moved: float = field(init=False)

    def __post_init__(self) -> None:
        self._moved = self.began

    def look(self, stages: Mapping[str, Sequence[str]], now: float) -> Outcome:
        labels = stages.get(self.version, ())
        if CURRENT in labels or (PREVIOUS in labels and PENDING not in labels):
            return "promoted"  # or promoted and superseded since
        if self._is_gone(PENDING in labels, now):
            return "called off"
        self._read(now)
        if self.diary.failure and self.diary.failure.kind in FINAL:
            return "failed"
        if now - self._moved > self.pace.silence and not self.diary.unreadable:
            return "failed" if self.diary.failure else "silent"
        return "endless" if now - self.began > BOUND_SECONDS else "waiting"

    def line(self, now: float) -> str:
        """`analytics: setSecret done · 0:12 min`."""
        seconds = int(now - self.began)
        last = str(self.diary.entries[-1]) if self.diary.entries else "begun"
        again = ", Secrets Manager tries again" if self.diary.failure else ""
        return f"{self.login}: {last}{again} · {seconds // 60}:{seconds % 60:02d} min"

    def _is_gone(self, pending: bool, now: float) -> bool:
        if pending:
            self._seen, self._gone = True, 0
            return False
        self._gone += 1
        return self._gone >= GONE_LOOKS and (self._seen or now - self.began > APPEARS_SECONDS)

    def _read(self, now: float) -> None:
        if self._looks % LOOKS_PER_READING == 0:
            self.diary.read()
            if len(self.diary.entries) != self._entries:
                self._entries, self._moved = len(self.diary.entries), now
        self._looks += 1
