"""An API that says what it is told to say, and remembers what it was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from account.door import Answer, Door
from account.guard import Account

NOTHING = Answer(200, b"{}")


@dataclass(frozen=True)
class Api(Door):
    """Answers each question the same."""

    heard: list[tuple[str, str]] = field(default_factory=list)
    answer: Answer | Exception = NOTHING

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        assert body is None
        self.heard.append((method, path))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def api(answer: Answer | Exception = NOTHING) -> Api:
    return Api(Account("dev", "1", None), "https://api", answer=answer)
