"""A database session that never waits longer than it was told to, for a server that hangs."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any, Final

import psycopg2
from psycopg2 import extensions

if TYPE_CHECKING:
    from demo.platform import Platform

ANSWER_S: Final = 2.0


class Session:
    """One connection of a login to the address book's writer or reader, made when it is needed.

    Each statement is a transaction of its own. After any failure the connection is given up and
    the address read again. Not thread safe. Raises everywhere: `psycopg2.Error`, `TimeoutError`.
    """

    def __init__(
        self, platform: Platform, login: str, role: str = "writer", options: str = ""
    ) -> None:
        self._platform = platform
        self._login = login
        self._role = role
        self._options = options
        self._where: dict[str, Any] | None = None
        self._connection: Any = None

    def run(self, sql: str, values: object = None, within: float = ANSWER_S) -> list[Any]:
        """The statement's rows; none when it has none."""
        deadline = time.monotonic() + within
        try:
            if self._connection is None:
                self._connect(deadline)
            with self._connection.cursor() as cursor:
                cursor.execute(sql, values)
                _wait(self._connection, deadline)
                return cursor.fetchall() if cursor.description else []
        except (psycopg2.Error, TimeoutError):
            self.close()
            raise

    def close(self) -> None:
        """Safe to repeat."""
        connection, self._connection, self._where = self._connection, None, None
        if connection is not None:
            connection.close()

    def _connect(self, deadline: float) -> None:
        if self._where is None:
            self._where = self._platform.login(self._login, self._role)
        self._connection = psycopg2.connect(
            **self._where, application_name="chaos", options=self._options, async_=True
        )
        _wait(self._connection, deadline)


def _wait(connection: Any, deadline: float) -> None:
    while (state := connection.poll()) != extensions.POLL_OK:
        left = deadline - time.monotonic()
        socket = [connection.fileno()]
        reading = socket if state == extensions.POLL_READ else []
        writing = socket if state == extensions.POLL_WRITE else []
        if left <= 0 or not any(select.select(reading, writing, [], left)):
            raise TimeoutError("the server does not answer")
