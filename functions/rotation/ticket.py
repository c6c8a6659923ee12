"""One step of one rotation, as Secrets Manager asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from rotation.errors import MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@dataclass(frozen=True, slots=True)
class Ticket:
    """Which secret, which version of it (the token is its id), which step."""

    arn: str
    version: str
    step: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Raises: `MalformedRequest`, naming what is missing."""
        values = [event.get(name) for name in ("SecretId", "ClientRequestToken", "Step")]
        arn, version, step = (value if isinstance(value, str) else "" for value in values)
        if not (arn and version and step in STEPS):
            raise MalformedRequest(
                "SecretId, ClientRequestToken and Step are needed; "
                f"Step is one of {', '.join(STEPS)}"
            )
        return cls(arn, version, step)
