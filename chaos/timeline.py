"""What happened when, told in seconds since the fault. Pure."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    at: float
    """Seconds since 1970."""
    what: str


@dataclass
class Timeline:
    """Several threads may note what they see; the same thing at the same time is one."""

    _moments: set[Moment] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, at: float, what: str) -> None:
        with self._lock:
            self._moments.add(Moment(at, what))

    def since(self, fault: float) -> list[tuple[float, str]]:
        """In order; what came before the fault has negative seconds."""
        with self._lock:
            return [(each.at - fault, each.what) for each in sorted(self._moments)]
