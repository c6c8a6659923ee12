"""A way to a server that a test can block: real sockets, bytes passed on as they come."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


class Tap:
    """Listens on a port of its own and passes connections on to `target` (``host:port``).

    While it is `closed`, connections are refused at once and those that exist are cut; while it is
    `silent`, new ones are accepted and never answered; while it is `mute`, what the server says on
    those that exist is lost.
    """

    def __init__(self, target: str, host: str = "127.0.0.1") -> None:
        name, _, port = target.rpartition(":")
        self._target = name, int(port)
        self._listener = socket.create_server((host, 0))
        self._open: set[socket.socket] = set()
        self.closed = self.silent = self.mute = False
        self._fuse: int | None = None
        self._pass_on_last = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def close(self) -> None:
        self.closed = True
        self.cut()

    def cut(self) -> None:
        """End every connection, as a failover does."""
        for end in list(self._open):
            _end(end)

    def light_fuse(self, messages: int, *, pass_on: bool) -> None:
        """Cut everything at this message of the clients, which still reaches the server or not."""
        self._pass_on_last, self._fuse = pass_on, messages

    def burning(self) -> bool:
        return self._fuse is not None

    def __enter__(self) -> Tap:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.closed:
                client.close()
            elif self.silent:
                self._open.add(client)
            else:
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target, 5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        self._open |= {client, server}
        for source, sink, asks in ((client, server, True), (server, client, False)):
            work = threading.Thread(target=self._pass_on, args=(source, sink, asks), daemon=True)
            work.start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, asks: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if asks and self._burnt_down():
                    if self._pass_on_last:
                        sink.sendall(data)
                    self.cut()
                    return
                if asks or not self.mute:
                    sink.sendall(data)
        for end in (source, sink):
            _end(end)
            self._open.discard(end)

    def _burnt_down(self) -> bool:
        if self._fuse is None:
            return False
        self._fuse -= 1
        if self._fuse:
            return False
        self._fuse = None
        return True


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
