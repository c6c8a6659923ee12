"""Two connections joined into one, byte for byte, with the pressure of each felt by the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


class End(asyncio.Protocol):
    """One connection. Keeps what arrives until it is joined to another, which then gets it all."""

    def __init__(self, on_connect: Callable[[End], None] | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.left: asyncio.Future[None] = loop.create_future()
        """Done once the far side says no more. All that it said before has been passed on."""
        self._gone: asyncio.Future[None] = loop.create_future()
        self._on_connect = on_connect
        self._transport: asyncio.Transport | None = None
        self._kept = bytearray()
        self._news = asyncio.Event()
        self._other: End | None = None

    async def read(self, size: int) -> bytes:
        """Exactly so many bytes. Only before `join`. Raises: `EOFError`."""
        while len(self._kept) < size:
            if self.left.done():
                raise EOFError
            self._news.clear()
            await self._news.wait()
        wanted = bytes(self._kept[:size])
        del self._kept[:size]
        return wanted

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def start_tls(self, context: ssl.SSLContext, consent: bytes) -> None:
        """Say `consent` in the clear, then everything else in TLS.

        Raises: `EOFError` when something in the clear follows the request. Whoever sits between
        could have put it there, and it would count as said inside TLS.
        """
        if self._transport is None or self._kept:
            raise EOFError
        self._transport.pause_reading()  # the client's next byte belongs to TLS
        self._transport.write(consent)
        loop = asyncio.get_running_loop()
        self._transport = await loop.start_tls(self._transport, self, context, server_side=True)

    def join(self, other: End) -> End:
        """From now on each end hears what the other's far side says. Returns the other end."""
        self._other, other._other = other, self
        for listener, speaker in ((self, other), (other, self)):
            listener.write(bytes(speaker._kept))
            speaker._kept.clear()
        return other

    async def finish(self, seconds: float) -> None:
        """Deliver what is still to be written, then close; by force when it takes longer."""
        if self._transport is not None:
            self._transport.close()
            await asyncio.wait({self._gone}, timeout=seconds)

    def abort(self) -> None:
        """Close at once. Safe to repeat."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._on_connect is not None:
            self._on_connect(self)

    def data_received(self, data: bytes) -> None:
        if self._other is not None:
            self._other.write(data)
        else:
            self._kept += data
            self._news.set()

    def eof_received(self) -> bool:
        self._leave()
        return False  # asyncio closes the transport; a TLS one cannot stay half open anyway

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._leave()
        if not self._gone.done():
            self._gone.set_result(None)

    def pause_writing(self) -> None:
        if self._other is not None and self._other._transport is not None:
            self._other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None and self._other._transport is not None:
            self._other._transport.resume_reading()

    def _leave(self) -> None:
        if not self.left.done():
            self.left.set_result(None)
        self._news.set()
