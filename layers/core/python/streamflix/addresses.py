"""The address book: where the database is, as recovery last wrote it into Parameter Store."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from streamflix import aws
from streamflix.errors import AddressMalformed, AddressUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

Endpoint = Literal["writer", "reader"]

logger = logging.getLogger(__name__)


class ParameterClient(Protocol):
    """The part of boto3's `ssm` client that we use."""

    def get_parameters(self, *, Names: list[str]) -> Mapping[str, Any]: ...  # noqa: N803


class Address(NamedTuple):
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        host, separator, port = text.rpartition(":")
        if not (host and separator and port.isascii() and port.isdigit()):
            raise AddressMalformed(f"{text!r} is no address; host:port is")
        return cls(host, int(port))


class Book(Protocol):
    """Where a database is, and which life of it is meant."""

    def address(self, endpoint: Endpoint) -> Address: ...

    def epoch(self) -> int: ...

    def forget(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A database that stands in no address book, such as a restored copy: it stays where it is.

    `life` is the epoch that was found there.
    """

    at: Address
    life: int = 0

    def address(self, endpoint: Endpoint) -> Address:  # noqa: ARG002  there is one
        return self.at

    def epoch(self) -> int:
        return self.life

    def forget(self) -> None:
        """There is nothing newer to be read."""


class AddressBook:
    """`<prefix>/writer`, `<prefix>/reader` and `<prefix>/epoch`, read together.

    An entry is at most `ttl_seconds` old; `forget` makes the next look ask again, and belongs after
    a connection that failed. While Parameter Store is down, what was read before stays in use: the
    epoch in the database tells whether it is still true.
    An entry that is missing is missed by whoever asks for it: the schema finds the writer before it
    puts the epoch there.
    """

    def __init__(
        self,
        prefix: str,
        *,
        client: ParameterClient | None = None,
        ttl_seconds: float = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._prefix = prefix.rstrip("/")
        self._client = client
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._entries: dict[str, str] = {}
        self._stale_at = float("-inf")

    def address(self, endpoint: Endpoint) -> Address:
        return Address.parse(self._entry(endpoint))

    def epoch(self) -> int:
        """Which life of the database is in service."""
        text = self._entry("epoch")
        if not (text.isascii() and text.isdigit()):
            raise AddressMalformed(f"{text!r} is no epoch; a whole number is")
        return int(text)

    def forget(self) -> None:
        self._stale_at = float("-inf")

    def _entry(self, name: str) -> str:
        if self._clock() >= self._stale_at:
            self._refresh()
        if name not in self._entries:
            self.forget()  # it may come any moment
            raise AddressUnknown(f"the address book lacks {name}")
        return self._entries[name]

    def _refresh(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        names = {f"{self._prefix}/{name}": name for name in ("writer", "reader", "epoch")}
        try:
            client: ParameterClient = self._client or aws.client("ssm")
            answer = client.get_parameters(Names=list(names))
        except (BotoCoreError, ClientError) as error:
            if not self._entries:
                raise AddressUnknown(f"address book not read: {aws.reason(error)}") from None
            logger.warning("address book not refreshed", extra={"reason": aws.reason(error)})
        else:
            found = answer["Parameters"]
            self._entries = {names[entry["Name"]]: entry["Value"] for entry in found}
        self._stale_at = self._clock() + self._ttl_seconds
