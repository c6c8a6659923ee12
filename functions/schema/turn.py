"""One turn at the schema: a transaction that no other run of this room overlaps."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

LOCK = 0x5343_4845_4D41  # "SCHEMA"; advisory locks belong to one database
WAIT_FOR_TURN_MS = 60_000


@contextmanager
def turn(connection: Connection, wait_ms: int = WAIT_FOR_TURN_MS) -> Iterator[Cursor]:
    """Wait for the turn, give a cursor, commit at the end or roll back on any exception.

    The lock belongs to the transaction: it ends with it, however this process ends.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", (str(wait_ms),))
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        yield cursor
