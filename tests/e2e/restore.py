"""The part of a restore that concerns the stream: the mapping rests, a replay counts instead."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

SWITCHED_SECONDS = 60


@dataclass
class Restore:
    """As the restore workflow handles the consumer."""

    client: Any
    mapping: str
    function: str

    def call(self, **event: str) -> dict[str, Any]:
        """One invocation of the replay function; its answer, or its error."""
        answer = self.client.invoke(FunctionName=self.function, Payload=json.dumps(event))
        told: dict[str, Any] = json.loads(answer["Payload"].read())
        return told

    def replay(self) -> dict[str, Any]:
        return self.call(restore="e2e")

    @contextmanager
    def without_mapping(self) -> Iterator[None]:
        self._switch("Disabled")
        try:
            yield
        finally:
            self._switch("Enabled")

    def _switch(self, state: str) -> None:
        self.client.update_event_source_mapping(UUID=self.mapping, Enabled=state == "Enabled")
        eventually(
            lambda: self.client.get_event_source_mapping(UUID=self.mapping)["State"],
            SWITCHED_SECONDS,
            lambda seen: seen == state,
        )
