"""Calls what answers the API, as API Gateway does, on the databases of the consumer's tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from analytics import show
from analytics.recently import Recently
from streamflix import settings
from tests.integration.analytics.invocation import Context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.analytics.conftest import Consumer
    from tests.integration.conftest import Servers

Answer = tuple[int, dict[str, Any], dict[str, Any]]


@dataclass
class Screen:
    """Asks; each process's worth of it until `restart`. Nothing is answered from memory unless
    `remembers`."""

    servers: Servers
    monkeypatch: pytest.MonkeyPatch
    now: datetime | None = None
    remembers: bool = False
    _desk: show.Desk | None = None

    def live(self) -> dict[str, Any]:
        code, body, _ = self("/analytics/live")
        assert code == 200, body
        return body

    def title(self, name: str, **given: str) -> dict[str, Any]:
        code, body, _ = self(f"/analytics/titles/{name}", **given)
        assert code == 200, body
        return body

    def __call__(self, path: str, **given: str) -> Answer:
        """Status, body, headers. `from` is a word of Python's: here it is `since`."""
        named = {{"since": "from"}.get(name, name): value for name, value in given.items()}
        event = {
            "resource": path,
            "path": path,
            "httpMethod": "GET",
            "headers": {},
            "multiValueHeaders": {},
            "queryStringParameters": named or None,
            "multiValueQueryStringParameters": {key: [it] for key, it in named.items()} or None,
            "pathParameters": None,
            "requestContext": {"requestId": "the-request", "stage": "live"},
            "body": None,
            "isBase64Encoded": False,
        }
        self.monkeypatch.setattr(show, "desk", self._at)
        told = show.handler(event, Context())
        headers = {name: values[0] for name, values in told["multiValueHeaders"].items()}
        return told["statusCode"], json.loads(told["body"]), headers

    def restart(self) -> None:
        """The next call runs in a new process, as far as connections and caches go."""
        settings.cached.cache_clear()
        if self._desk:
            self._desk.board._postgres.close()
            self._desk.audience._redis.close()
        self._desk = None

    def _at(self) -> show.Desk:
        if self._desk is None:
            self._desk = _REAL(ca_file=self.servers.ca)
        made = replace(self._desk, now=lambda: self.now or datetime.now(UTC))
        return made if self.remembers else replace(made, recently=Recently(0, lambda: 0.0))


_REAL = show.desk.__wrapped__


@pytest.fixture
def screen(
    servers: Servers, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Screen]:
    """After `consumer`, whose environment it shares."""
    monkeypatch.setenv("ROLLUP_MINUTE_DAYS", "30")
    screen = Screen(servers, monkeypatch)
    yield screen
    screen.restart()
