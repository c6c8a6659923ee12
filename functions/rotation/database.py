"""Connections to the writer as whoever a rotation wants to try, bounded in time."""

from __future__ import annotations

import contextlib
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg2

from rotation.errors import RightsDiffer
from streamflix.ca import CA_FILE
from streamflix.errors import (
    ConnectDenied,
    CredentialsRefused,
    DatabaseUnreachable,
    StatementRefused,
)
from streamflix.postgres import CONNECT_SECONDS, TCP, describe, dial

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from psycopg2 import extensions

    from rotation.vault import Version
    from streamflix.addresses import AddressBook
    from streamflix.deadline import Deadline
    from streamflix.secrets import Login

# A step stops by itself when this share of the function's time is left, so that the log names what
# was waited for. Lambda's own end would name nothing.
GIVE_UP_AT = 0.25
OPTIONS = "-c statement_timeout=10s -c lock_timeout=15s -c idle_in_transaction_session_timeout=30s"


class Database:
    """The writer. libpq itself refuses a server that takes no writes before anything is said to
    it, and one that is not proven by its certificate before the password is."""

    def __init__(self, book: AddressBook, deadline: Deadline, ca_file: Path = CA_FILE) -> None:
        self._book = book
        self._deadline = deadline
        self._ca_file = ca_file

    @contextmanager
    def session(self, login: Login) -> Iterator[extensions.connection]:
        """A connection for a block. A server that falls silent inside it is hung up on in time.

        Raises: `CredentialsRefused`, `ServerUntrusted`, `DatabaseUnreachable`, `StatementRefused`;
        no error of the driver, because it may quote what was sent.
        """
        connection = self._open(login)
        left = self._deadline.seconds_until(GIVE_UP_AT)
        silence = threading.Timer(max(0.0, left), _hang_up, (connection,))
        silence.daemon = True
        silence.start()
        try:
            yield connection
        except psycopg2.Error as error:
            if connection.closed or error.pgcode is None:
                raise DatabaseUnreachable(
                    f"the connection as {login.username} was lost, or did not answer in time"
                ) from None
            raise StatementRefused(f"as {login.username}: {describe(error)}") from None
        finally:
            silence.cancel()
            connection.close()

    def accepts(self, login: Login) -> bool:
        """Whether the server lets this login in. Connects, says nothing more.

        Raises: `RightsDiffer` when only the password is right.
        """
        try:
            self._open(login).close()
        except CredentialsRefused:
            return False
        except ConnectDenied:
            raise RightsDiffer(f"{login.username} may not enter the database") from None
        return True

    def first_accepted(self, versions: Iterable[Version]) -> Version | None:
        """The first version whose login gets in. Only a refusal leads on to the next one."""
        tried = set()
        for version in versions:
            with contextlib.suppress(RightsDiffer):
                if version.login in tried or not self.accepts(version.login):
                    tried.add(version.login)
                    continue
            return version
        return None

    def _open(self, login: Login) -> extensions.connection:
        left = int(self._deadline.seconds_until(GIVE_UP_AT))
        if left < 1:
            raise DatabaseUnreachable(f"no time left to log in as {login.username}")
        parameters: dict[str, Any] = {
            "application_name": "streamflix-rotation",
            "dbname": "streamflix",
            "sslmode": "verify-full",
            "sslrootcert": str(self._ca_file),
            "connect_timeout": max(2, min(CONNECT_SECONDS, left)),
            "target_session_attrs": "read-write",
            "options": OPTIONS,
            **TCP,
        }
        try:
            return dial(self._book.address("writer"), login, "writer", **parameters)
        except DatabaseUnreachable:
            self._book.forget()
            raise


def _hang_up(connection: extensions.connection) -> None:
    """From another thread: the driver's call then ends with an error, whatever the server does."""
    with contextlib.suppress(OSError, psycopg2.Error):
        end = socket.socket(fileno=connection.fileno())
        try:
            end.shutdown(socket.SHUT_RDWR)
        finally:
            end.detach()  # the descriptor is libpq's
