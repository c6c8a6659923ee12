"""What CloudFormation asks of `Custom::DatabaseSchema`, and where it waits for the answer.

Only the standard library is imported here: when a layer is broken, this must still work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


class BadRequest(Exception):
    """This is no request that CloudFormation sends, and nobody waits for an answer to it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Who can read the response URL can answer in our name: it stays out of logs."""

    kind: str
    stack_id: str
    request_id: str
    logical_id: str
    migrations_sha256: str
    response_url: str = field(repr=False)

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Only what an answer needs is needed; a wrong property is answered, not refused here.

        Raises: `BadRequest` when nobody could be answered.
        """
        missing = [
            name
            for name in ("RequestType", "StackId", "RequestId", "LogicalResourceId", "ResponseURL")
            if not isinstance(event.get(name), str)
        ]
        if missing:
            raise BadRequest(f"the event lacks {', '.join(missing)}")
        if not event["ResponseURL"].startswith(("https://", "http://")):
            raise BadRequest("ResponseURL is no web address")
        properties = event.get("ResourceProperties") or {}
        return cls(
            kind=event["RequestType"],
            stack_id=event["StackId"],
            request_id=event["RequestId"],
            logical_id=event["LogicalResourceId"],
            migrations_sha256=str(properties.get("MigrationsSha256", "")),
            response_url=event["ResponseURL"],
        )
