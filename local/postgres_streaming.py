"""How far the readers of a cluster have come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg2

from local.unprivileged import ProgramFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local.postgres import Node
    from local.postgres_storage import Storage
    from local.supervise import Supervisor

CATCH_UP_SECONDS = 30

STREAMS = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND application_name = %s"
RECEIVED = "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')"


def follow(
    node: Node,
    writer: Callable[[], Node],
    supervisor: Supervisor,
    storage: Storage,
    stop: Callable[[Node], None],
) -> Node:
    """Make this node a reader, anew when another one becomes the writer meanwhile. Returns the
    writer that it streams from. Raises: `ProgramFailedError`, `psycopg2.Error`."""
    while True:
        source = writer()
        try:
            node.clone(source)
            node.configure(source)
            node.start(supervisor)
            wait_for(node, writer, storage)
        except (ProgramFailedError, psycopg2.Error):
            if writer() is source:
                raise
        if writer() is source:
            return source
        stop(node)


def wait_for(node: Node, writer: Callable[[], Node], storage: Storage) -> None:
    """Return when it streams. Raises: `ProgramFailedError`, also when another node has become the
    writer; `psycopg2.Error`."""
    deadline, first = time.monotonic() + CATCH_UP_SECONDS, writer()
    while not storage.ask(first, STREAMS, node.member):
        if time.monotonic() > deadline or writer() is not first:
            raise ProgramFailedError(f"{node.name} does not stream from {first.name}")
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
