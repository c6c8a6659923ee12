"""One turn at the schema: a transaction that no other run of this room overlaps."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from schema.errors import SchemaBlocked, SchemaRefused
from streamflix.errors import DatabaseUnreachable
from streamflix.postgres import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg2
    from psycopg2 import extensions

LOCK = 0x5343_4845_4D41  # "SCHEMA"; advisory locks belong to one database
WAIT_FOR_TURN_MS = 60_000

# Going down, coming up, or a writer no more: the next attempt finds the one in charge.
_NOT_IN_CHARGE = frozenset({"25006", "57P01", "57P02", "57P03"})
_IN_THE_WAY = frozenset({"40001", "40P01", "55P03"})


@contextmanager
def turn(connection: extensions.connection, wait_ms: int) -> Iterator[extensions.cursor]:
    """Wait for the turn, give a cursor, commit at the end or roll back on any exception.

    The lock belongs to the transaction: it ends with it, however this process ends.
    """
    with connection, connection.cursor() as cursor:
        limit_waiting(cursor, wait_ms)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        yield cursor


def limit_waiting(cursor: extensions.cursor, wait_ms: int) -> None:
    """For the rest of this transaction, wait no longer than this for any lock."""
    cursor.execute("SELECT set_config('lock_timeout', %s, true)", (str(wait_ms),))


def meaning(
    error: psycopg2.Error, connection: extensions.connection, what: str
) -> DatabaseUnreachable | SchemaBlocked | SchemaRefused:
    """What an error of the driver means for `what` was being done; it quotes no value."""
    code = error.pgcode
    if connection.closed or code is None or code[:2] == "08" or code in _NOT_IN_CHARGE:
        return DatabaseUnreachable(f"{what}: connection lost ({code or type(error).__name__})")
    if code in _IN_THE_WAY:
        return SchemaBlocked(f"{what}: {describe(error)}")
    return SchemaRefused(f"{what}: {describe(error)}")
