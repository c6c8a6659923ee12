"""A call to whoever asked to be told: over TLS, to a public address, and nowhere else.

The name is resolved once and the very address that was looked at is connected to: a name that
answers with a private address, now or a moment later, leads nowhere.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from privacy.errors import CallbackRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SECONDS = 5.0
PORT = 443


def addresses(host: str) -> list[str]:
    """What a name leads to. Raises: `OSError`."""
    found = socket.getaddrinfo(host, PORT, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    resolve: Callable[[str], list[str]] = addresses,
    is_public: Callable[[str], bool] = lambda address: ipaddress.ip_address(address).is_global,
    port: int = PORT,
    context: ssl.SSLContext | None = None,
) -> None:
    """POST; any 2xx is an acknowledgement, a redirect is none.

    Raises: `CallbackRefused`, with the status or the class of what went wrong, never an answer.
    """
    parts = urlsplit(url)
    host = str(parts.hostname)
    try:
        found = resolve(host)
        if not found or not all(is_public(address) for address in found):
            raise CallbackRefused("the host's name does not lead to a public address")
        connection = _Pinned(host, found[0], port, context or ssl.create_default_context())
        try:
            connection.request("POST", parts.path or "/", body, dict(headers))
            status = connection.getresponse().status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise CallbackRefused(type(error).__name__) from None
    if status // 100 != 2:
        raise CallbackRefused(f"status {status}")


class _Pinned(http.client.HTTPSConnection):
    """To an address that was looked at; the certificate must be the name's."""

    def __init__(self, host: str, address: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=SECONDS, context=context)
        self._address = address
        self._tls = context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), timeout=SECONDS)
        self.sock: Any = self._tls.wrap_socket(plain, server_hostname=self.host)
