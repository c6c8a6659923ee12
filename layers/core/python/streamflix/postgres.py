"""Connections to Aurora that outlive an invocation, a rotation and a failover."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from streamflix import cut_off
from streamflix.ca import CA_FILE
from streamflix.errors import (
    ConnectDenied,
    CredentialsRefused,
    DatabaseUnreachable,
    DataRefused,
    ServerUntrusted,
    StatementRefused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Any

    import psycopg2.extensions as pg

    from streamflix.addresses import Address, Book, Endpoint
    from streamflix.secrets import Login, Secret

CONNECT_SECONDS = 4
# A peer that vanished without a word (a failover, a torn network) is noticed by TCP: while we wait
# for an answer by keepalives, while we wait for our bytes to be acknowledged by the user timeout.
TCP = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 4_000,
}
# The server gives up before the function does. A function that is frozen or killed inside a
# transaction must not keep its locks.
OPTIONS = "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s"

# libpq hands out no SQLSTATE for a connection that was not made.
_REFUSALS = (
    "password authentication failed",
    "is not permitted to log in",
    "no password supplied",
    "no pg_hba.conf entry",
    "PAM authentication failed",
)
_DISTRUST = (
    "certificate verify failed",
    "does not match host name",
    "server does not support SSL",
    "root certificate file",
)
# Classes of SQLSTATE whose messages name objects of the schema, never a value of a row.
_TELLING_CLASSES = frozenset({"0A", "25", "28", "40", "42", "53", "55", "57"})


class Postgres:
    """One connection to the writer or the reader, made at first use and kept.

    Pinged before each use, and given up when the book leads elsewhere. After a login that was
    refused the secret is read again, after a connection that failed the address is, and the
    connection is tried once more.
    The writer's connection accepts only a server that takes writes: after a failover the old
    address may lead to a reader for a while. `prepare` is SQL that runs once on each connection.
    A server whose host answers while it hangs is noticed by nobody: whoever cannot wait for it sets
    `answer_seconds`, in which a ping or a whole transaction must be over.
    """

    def __init__(
        self,
        book: Book,
        endpoint: Endpoint,
        secret: Secret,
        *,
        application_name: str,
        database: str = "streamflix",
        prepare: str = "",
        ca_file: Path = CA_FILE,
        options: str = OPTIONS,
        answer_seconds: float | None = None,
    ) -> None:
        self._book = book
        self._endpoint: Endpoint = endpoint
        self._secret = secret
        self._prepare = prepare
        self._answer_seconds = answer_seconds
        self._connection: pg.connection | None = None
        self._at: Address | None = None
        self._parameters: dict[str, Any] = {
            "application_name": application_name,
            "dbname": database,
            "sslmode": "verify-full",
            "sslrootcert": str(ca_file),
            "connect_timeout": _connect_seconds(answer_seconds),
            "target_session_attrs": "read-write" if endpoint == "writer" else "any",
            "options": options,
            **TCP,
        }

    def connection(self) -> pg.connection:
        """A connection that answered just now and is in no transaction.

        Raises: `DatabaseUnreachable`, `CredentialsRefused`, and what reading the address or the
        secret raises.
        """
        if self._connection is not None and (
            self._has_moved() or not self._answers(self._connection)
        ):
            self.forget()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[pg.cursor]:
        """A cursor in a transaction: committed at the end, rolled back on any exception.

        Raises: `DatabaseUnreachable` (then it is unknown whether a commit took place),
        `StatementRefused`, `DataRefused`; no error of the driver leaves here, because they quote
        rows.
        """
        connection = self.connection()
        try:
            with self._cut_off_late(connection), connection, connection.cursor() as cursor:
                yield cursor
        except psycopg2.Error as error:
            meaning = _meaning(error, connection)
            if isinstance(meaning, DatabaseUnreachable):
                self.forget()
            raise meaning from None

    def forget(self) -> None:
        """Close the connection and look the address up again before the next one."""
        self.close()
        self._book.forget()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.closed:
            connection.close()

    def _has_moved(self) -> bool:
        """A reader of a cluster that was replaced goes on to answer, and shows what was."""
        return self._book.address(self._endpoint) != self._at

    def _answers(self, connection: pg.connection) -> bool:
        with self._cut_off_late(connection):
            return _answers(connection)

    def _cut_off_late(self, connection: pg.connection) -> AbstractContextManager[None]:
        if self._answer_seconds is None:
            return nullcontext()
        return cut_off.after(self._answer_seconds, connection)

    def _connect(self) -> pg.connection:
        try:
            return self._secret.log_in(self._open)
        except CredentialsRefused:
            self._book.forget()  # a cutover keeps everybody out of the cluster that it leaves
            raise
        except DatabaseUnreachable:
            self._book.forget()
            return self._secret.log_in(self._open)

    def _open(self, login: Login) -> pg.connection:
        self._at = self._book.address(self._endpoint)
        connection = dial(self._at, login, self._endpoint, **self._parameters)
        self._run_once(connection)
        return connection

    def _run_once(self, connection: pg.connection) -> None:
        if not self._prepare:
            return
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(self._prepare)
        except psycopg2.Error as error:
            meaning = _meaning(error, connection)
            connection.close()
            raise meaning from None


def _connect_seconds(answer_seconds: float | None) -> int:
    """Whole seconds; libpq takes one for two, and none for ever."""
    return max(2, min(CONNECT_SECONDS, round(answer_seconds or CONNECT_SECONDS)))


def dial(address: Address, login: Login, what: str, **parameters: Any) -> pg.connection:
    """One attempt to connect; `what` names the endpoint in errors.

    Raises: `CredentialsRefused`, `ConnectDenied`, `ServerUntrusted`, `DatabaseUnreachable`; the
    reason is the server's or libpq's own, neither of which quotes a password.
    """
    try:
        connection: pg.connection = psycopg2.connect(
            host=address.host,
            port=address.port,
            user=login.username,
            password=login.password,
            **parameters,
        )
    except psycopg2.Error as error:
        reason = str(error).strip().rpartition("\n")[2]
        if any(refusal in reason for refusal in _REFUSALS):
            raise CredentialsRefused(f"{what}: login {login.username}") from None
        if "does not have CONNECT privilege" in reason:
            raise ConnectDenied(f"{what}: login {login.username}") from None
        if any(distrust in reason for distrust in _DISTRUST):
            raise ServerUntrusted(f"{what}: {reason}") from None
        raise DatabaseUnreachable(f"{what}: {reason}") from None
    return connection


def _answers(connection: pg.connection) -> bool:
    if connection.closed:
        return False
    try:
        if connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
            connection.rollback()
        connection.autocommit = True  # one round trip instead of three
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.autocommit = False
    except psycopg2.Error:
        return False
    return True


def _meaning(
    error: psycopg2.Error, connection: pg.connection
) -> DatabaseUnreachable | StatementRefused | DataRefused:
    code = error.pgcode or ""
    if connection.closed or code in _LOST or code.startswith("08"):
        return DatabaseUnreachable(f"connection lost: {code or type(error).__name__}")
    if code.startswith(("22", "23")):
        return DataRefused(describe(error))
    return StatementRefused(describe(error))


# A writer that was demoted, or is going down or coming up: another address may be right by now.
_LOST = frozenset({"25006", "57P01", "57P02", "57P03", "25P03"})


def describe(error: psycopg2.Error) -> str:
    """SQLSTATE, its name and the constraint; the message only where it cannot quote a value."""
    code = error.pgcode or "no SQLSTATE"
    if code[:2] in _TELLING_CLASSES:
        return f"{code} {error.diag.message_primary}"
    name = errorcodes.lookup(code) if error.pgcode else type(error).__name__
    constraint = error.diag.constraint_name
    return f"{code} {name}" + (f" ({constraint})" if constraint else "")
