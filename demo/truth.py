"""What the platform must have counted, computed from the bytes that were sent.

The rules of counting are restated here and share no code with the consumer:

- An event's minute is the UTC minute of its `ts`.
- `plays` counts `play_start`, `errors` counts `error`; `watched_s` and `rebuffer_ms` are summed.
- An `event_id` counts once, however often its producer sent it.
- Every event makes its account a viewer of its minute.
- A `stop` makes one row of history, if its profile exists.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container

MINUTE_CHARS: Final = len("2025-11-23T03:12")
PLAYS, WATCHED_S, REBUFFER_MS, ERRORS = range(4)


class Cell(NamedTuple):
    """What one row of the rollups stands for; the minute as in ``2025-11-23T03:12``."""

    minute: str
    title_id: str
    country: str
    device: str


class HistoryKey(NamedTuple):
    profile_id: str
    session_id: str


class History(NamedTuple):
    title_id: str
    stopped_at: str  # as in the event
    position_s: int
    watched_s: int
    device: str


@dataclass
class Truth:
    profiles: Container[str]
    rows: dict[Cell, list[int]] = field(default_factory=dict)
    viewers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    history: dict[HistoryKey, History] = field(default_factory=dict)
    duplicates: int = 0
    strangers: int = 0  # stops of profiles that do not exist
    _seen: set[str] = field(default_factory=set)

    @property
    def events(self) -> int:
        return len(self._seen)

    @property
    def totals(self) -> list[int]:
        """Plays, watched seconds, rebuffered milliseconds and errors of the whole day."""
        return [sum(row[place] for row in self.rows.values()) for place in range(4)]

    def absorb(self, payload: bytes) -> None:
        """Count one well-formed event as the platform must."""
        event = json.loads(payload)
        if event["event_id"] in self._seen:
            self.duplicates += 1
            return
        self._seen.add(event["event_id"])
        minute, kind = event["ts"][:MINUTE_CHARS], event["type"]
        cell = Cell(minute, event["title_id"], event["country"], event["device"])
        row = self.rows.setdefault(cell, [0, 0, 0, 0])
        row[PLAYS] += kind == "play_start"
        row[WATCHED_S] += event["watched_s"]
        row[REBUFFER_MS] += event["rebuffer_ms"]
        row[ERRORS] += kind == "error"
        self.viewers[minute].add(event["account_id"])
        if kind == "stop":
            self._stopped(event)

    def _stopped(self, event: dict[str, str | int]) -> None:
        key = HistoryKey(str(event["profile_id"]), str(event["session_id"]))
        if key.profile_id not in self.profiles:
            self.strangers += 1
            return
        self.history[key] = History(
            str(event["title_id"]),
            str(event["ts"]),
            int(event["position_s"]),
            int(event["watched_s"]),
            str(event["device"]),
        )
