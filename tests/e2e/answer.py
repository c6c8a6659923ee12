"""What an API answered, whatever its status."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """Names of headers are lower case; `body` is as it came, for signatures."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def answer_to(request: urllib.request.Request, *, within: float) -> Answer:
    """Waits at most `within` seconds."""
    try:
        with urllib.request.urlopen(request, timeout=within) as found:
            return _read(found)
    except urllib.error.HTTPError as refusal:
        return _read(refusal)


def _read(found: Any) -> Answer:
    headers = {name.lower(): value for name, value in found.headers.items()}
    return Answer(found.status, headers, found.read())
