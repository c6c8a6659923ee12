"""Stable TLS addresses in front of servers that know no TLS and may change behind them.

Neither wheel brings a server with TLS, so TLS ends here. What that hides: the server sees its
clients on a unix socket, hence `inet_client_addr()` is NULL and `pg_stat_ssl` says false.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from local import postgres_greeting
from local.complaint import Complaint
from local.pipe import End

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine

    from local.cuts import Cuts

T = TypeVar("T")
Targets: TypeAlias = Callable[[], Sequence[Path]]
"""The unix sockets behind an endpoint, the preferred one first; asked for every connection."""

HANDSHAKE_SECONDS = 30
FLUSH_SECONDS = 5
CUTS_SECONDS = 0.1


class Endpoint:
    """One listening address. Its methods may be called from any thread but the endpoints' own."""

    def __init__(
        self, endpoints: Endpoints, address: tuple[str, int], targets: Targets, *, postgres: bool
    ) -> None:
        self.host, self.port = address
        self._endpoints = endpoints
        self._targets = targets
        self._postgres = postgres
        self._conversations: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._cut = False

    def open(self) -> None:
        """Begin to listen. Raises: `Complaint` when the address is taken or does not exist."""
        try:
            self._endpoints.run(self._open())
        except OSError as error:
            raise _complaint(error, self.host, self.port) from None

    def disconnect(self) -> None:
        """Send every client away. When this returns, no server behind us hears from them again."""
        self._endpoints.run(self._disconnect())

    def close(self) -> None:
        """Stop listening and send every client away. Safe to repeat."""
        self._endpoints.run(self._close())

    @property
    def clients(self) -> int:
        return len(self._conversations)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: End(on_connect=self._begin),
            self.host,
            self.port,
            backlog=512,
            ssl=None if self._postgres else self._endpoints.context,
            ssl_handshake_timeout=None if self._postgres else HANDSHAKE_SECONDS,
        )

    async def _disconnect(self) -> None:
        leaving = list(self._conversations)
        for conversation in leaving:
            conversation.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._disconnect()

    async def cut(self, cut: bool) -> None:
        """Let nobody in, nor stay; or let clients in again. For the endpoints' own thread."""
        self._cut = cut
        if cut:
            await self._disconnect()

    def _begin(self, client: End) -> None:
        if self._cut:
            client.abort()
            return
        conversation = asyncio.get_running_loop().create_task(self._converse(client))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, client: End) -> None:
        server: End | None = None
        try:
            # A client may break off, speak nonsense or trust another authority: no news.
            with contextlib.suppress(OSError, TimeoutError, EOFError):
                async with asyncio.timeout(HANDSHAKE_SECONDS):
                    server = await self._introduce(client)
                if server is not None:
                    await _until_either_leaves(client, server)
        finally:
            client.abort()
            if server is not None:
                server.abort()

    async def _introduce(self, client: End) -> End | None:
        if not self._postgres:
            server = await self._connect()
            return client.join(server) if server else None
        greeting = await postgres_greeting.receive(client, self._endpoints.context)
        if greeting is None:
            return None
        if postgres_greeting.is_cancel(greeting):
            await self._tell_all(greeting)  # its secret key fits only one of the servers
            return None
        server = await self._connect()
        if server is None:
            await postgres_greeting.refuse(client, "57P03", "no database server is available")
            return None
        server.write(greeting)
        return client.join(server)

    async def _connect(self) -> End | None:
        loop = asyncio.get_running_loop()
        for path in self._targets():
            with contextlib.suppress(OSError):
                return (await loop.create_unix_connection(End, str(path)))[1]
        return None

    async def _tell_all(self, message: bytes) -> None:
        loop = asyncio.get_running_loop()
        for path in self._targets():
            with contextlib.suppress(OSError):
                _, server = await loop.create_unix_connection(End, str(path))
                server.write(message)
                await asyncio.wait({server.left}, timeout=FLUSH_SECONDS)
                server.abort()


class Endpoints:
    """All endpoints of an instance: one thread, one event loop, one certificate.

    `cuts` says which of them no client reaches at the moment.
    """

    def __init__(self, context: ssl.SSLContext, cuts: Cuts | None = None) -> None:
        self.context = context
        self._all: list[Endpoint] = []
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_murmur)
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="endpoints", daemon=True
        )
        self._thread.start()
        self._cutting = asyncio.run_coroutine_threadsafe(self._cut(cuts), self._loop)

    def postgres(self, host: str, port: int, targets: Targets) -> Endpoint:
        """An endpoint that speaks PostgreSQL's own way into TLS, and refuses to go without."""
        return self._opened(Endpoint(self, (host, port), targets, postgres=True))

    def tls(self, host: str, port: int, targets: Targets) -> Endpoint:
        """An endpoint that speaks TLS from the first byte."""
        return self._opened(Endpoint(self, (host, port), targets, postgres=False))

    def close(self) -> None:
        """Close every endpoint, then end the thread."""
        self._cutting.cancel()
        for endpoint in self._all:
            endpoint.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _cut(self, cuts: Cuts | None) -> None:
        while cuts is not None:
            cut = cuts.now()
            for endpoint in list(self._all):
                await endpoint.cut(f"{endpoint.host}:{endpoint.port}" in cut)
            await asyncio.sleep(CUTS_SECONDS)

    def _opened(self, endpoint: Endpoint) -> Endpoint:
        endpoint.open()
        self._all.append(endpoint)
        return endpoint


async def _until_either_leaves(client: End, server: End) -> None:
    await asyncio.wait({client.left, server.left}, return_when=asyncio.FIRST_COMPLETED)
    other = server if client.left.done() else client
    await other.finish(FLUSH_SECONDS)


def _murmur(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Broken connections are the clients' affair: no traceback on our terminal."""
    logging.getLogger(__name__).debug("endpoint: %s", context.get("message"))


def _complaint(error: OSError, host: str, port: int) -> Complaint:
    if error.errno == errno.EADDRNOTAVAIL:
        return Complaint(
            f"The address {host} does not exist here.", f"On macOS: sudo ifconfig lo0 alias {host}"
        )
    return Complaint(
        f"Port {port} on {host} cannot be used: {error.strerror}.",
        "End what holds it, or choose other ports: STREAMFLIX_PORT_BASE=<number>",
    )
