"""Two connections joined into one, byte for byte, with the pressure of each felt by the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast


class End(asyncio.Protocol):
    """One connection. Keeps what arrives until it is joined to another, which then gets it all."""

    def __init__(self, on_connect: Callable[[End], None] | None = None) -> None:
        self.left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_connect = on_connect
        self._transport: asyncio.Transport | None = None
        self._kept = bytearray()
        self._arrived = asyncio.Event()
        self._other: End | None = None

    # What asyncio tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if self._on_connect is not None:
            self._on_connect(self)

    def data_received(self, data: bytes) -> None:
        if self._other is not None:
            self._other.write(data)
        else:
            self._kept += data
            self._arrived.set()

    def eof_received(self) -> bool:
        """The far side will say no more, but may still listen: pass that on if TLS does not lie
        between. A TLS transport closes itself whatever we answer."""
        self._leave()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._leave()

    def pause_writing(self) -> None:
        if self._other is not None:
            self._other._pause()

    def resume_writing(self) -> None:
        if self._other is not None:
            self._other._resume()

    # What we do

    @property
    def transport(self) -> asyncio.Transport:
        if self._transport is None:
            raise ConnectionResetError
        return self._transport
