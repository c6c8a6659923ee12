"""Ends a connection to a server that does not answer in time, though its host does.

TCP is content with the host: keepalives of a stopped process are answered by its kernel, and its
own timeouts stand still with it. libpq waits for ever, and no signal reaches a waiting function.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from typing import TYPE_CHECKING

import psycopg2

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg2.extensions as pg


@contextlib.contextmanager
def after(seconds: float, connection: pg.connection) -> Iterator[None]:
    """When the block takes longer, whoever waits in it gets `psycopg2.OperationalError`."""
    over = threading.Event()
    turn = threading.Lock()

    def cut() -> None:
        with turn:
            if over.is_set():
                return
            # A copy: closing it leaves the descriptor that libpq waits on as it is.
            with (
                contextlib.suppress(psycopg2.Error, OSError),
                socket.socket(fileno=os.dup(connection.fileno())) as copy,
            ):
                copy.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with turn:
            over.set()
        timer.cancel()
