"""Who may ask for what: a document in Parameter Store that people write, and no deploy touches.

    {"callers": {"<arn of a role or user>": {"request_types": ["erasure"],
                                            "verified_by": ["self_service"]}},
     "callback_hosts": ["opendsr.controller.example"]}

IAM lets a caller through the door; this says what it may vouch for. Without it nobody may anything.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import msgspec

from privacy.errors import CallersUnreadable, NotAllowed
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Callable

TTL_SECONDS = 60.0

_SESSION = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.*")


class Caller(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    request_types: tuple[str, ...] = ()
    verified_by: tuple[str, ...] = ()


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    callers: dict[str, Caller]
    callback_hosts: tuple[str, ...] = ()


def role_of(arn: str) -> str:
    """A session's role: whoever takes it on is the same caller every time."""
    session = _SESSION.fullmatch(arn)
    if session is None:
        return arn
    partition, account, role = session.groups()
    return f"arn:{partition}:iam::{account}:role/{role}"


class Callers:
    """The document, at most a minute old."""

    def __init__(self, parameter: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._parameter = parameter
        self._clock = clock
        self._document = Document({})
        self._stale_at = float("-inf")

    def find(self, arn: str) -> Caller:
        """Raises: `NotAllowed`, `CallersUnreadable`."""
        caller = self.document().callers.get(role_of(arn))
        if caller is None:
            raise NotAllowed(f"{self._parameter} does not name this caller")
        return caller

    def document(self) -> Document:
        """Raises: `CallersUnreadable`."""
        if self._clock() >= self._stale_at:
            self._document = self._read()
            self._stale_at = self._clock() + TTL_SECONDS
        return self._document

    def _read(self) -> Document:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = aws.client("ssm").get_parameters(Names=[self._parameter])
        except (BotoCoreError, ClientError) as error:
            raise CallersUnreadable(f"{self._parameter}: {aws.reason(error)}") from None
        if not answer["Parameters"]:
            return Document({})
        try:
            return msgspec.json.decode(answer["Parameters"][0]["Value"], type=Document)
        except msgspec.MsgspecError as error:
            raise CallersUnreadable(f"{self._parameter}: {error}") from None
