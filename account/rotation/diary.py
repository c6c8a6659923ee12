"""What the rotating function has logged about one login: steps done, and failures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 300
"""Characters of a line that is shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of the login, done or failed."""

    step: str
    kind: str = ""
    """The error's name; empty when the step is done."""
    words: str = ""

    def __str__(self) -> str:
        return f"{self.step} failed: {self.kind}" if self.kind else f"{self.step} done"


class Diary:
    """Read again and again while a rotation runs."""

    def __init__(self, logs: Any, environment: str, login: str, since: float) -> None:
        self._logs = logs
        self._group = f"/aws/lambda/streamflix-rotation-rotate-{environment}"
        self._login = login
        self._since = int(since * 1000)
        self.entries: list[Entry] = []
        self.stray = ""
        """The last error that names no login: the function died before it knew, or ran too long."""
        self.unreadable = ""

    def read(self) -> None:
        """Never fails: whoever may rotate need not be one who may read logs."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            lines = list(self._lines())
        except (BotoCoreError, ClientError) as error:
            self.unreadable = str(error)
            return
        self.unreadable = ""
        self.entries = []
        for line in lines:
            self._note(line)

    @property
    def failure(self) -> Entry | None:
        """The last step, if it failed."""
        return self.entries[-1] if self.entries and self.entries[-1].kind else None

    def _lines(self) -> Iterator[str]:
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._group, startTime=self._since
        )
        events = [event for page in pages for event in page["events"]]
        for event in sorted(events, key=lambda event: int(event["timestamp"])):
            yield event["message"].strip()

    def _note(self, line: str) -> None:
        told = _parsed(line)
        failed = told.get("level") in ("ERROR", "CRITICAL")
        if "login" not in told:
            if failed or line.startswith("[ERROR]") or "Task timed out" in line:
                self.stray = str(told.get("message", line)).partition("\n")[0][:LONGEST]
        elif told["login"] == self._login and "step" in told:
            kind, _, words = str(told.get("reason", "")).partition(": ")
            known = Entry(str(told["step"]), kind or "an error", words[:LONGEST])
            self.entries.append(known if failed else Entry(known.step))


def _parsed(line: str) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
