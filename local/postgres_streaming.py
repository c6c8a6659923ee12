"""How far the readers of a cluster have come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg2

from local.unprivileged import ProgramFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.postgres import Node
    from local.postgres_storage import Storage

CATCH_UP_SECONDS = 30

STREAMS = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND application_name = %s"
RECEIVED = "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')"


def wait_for(node: Node, writer: Node, storage: Storage) -> None:
    """Return when it streams. Raises: `ProgramFailedError`, `psycopg2.Error`."""
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while not storage.ask(writer, STREAMS, node.member):
        if time.monotonic() > deadline:
            raise ProgramFailedError(f"{node.name} does not stream from {writer.name}")
        time.sleep(0.02)


def received(reader: Node, storage: Storage) -> int:
    """The position up to which it has the writer's log; one that does not answer has nothing."""
    try:
        [(position,)] = storage.ask(reader, RECEIVED)
    except psycopg2.OperationalError:
        return -1
    return int(position)


def quorum(readers: Iterable[Node]) -> str:
    """Whom a commit waits for: any one of those that run."""
    names = ", ".join(f'"{node.member}"' for node in readers if node.running())
    return f"ANY 1 ({names})" if names else ""
