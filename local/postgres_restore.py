"""A volume from the past: a copy of the base goes on with the archive, up to a chosen moment."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import psycopg2

from local.unprivileged import ProgramFailedError

if TYPE_CHECKING:
    import datetime as dt
    import threading
    from pathlib import Path

    from local.postgres import Node
    from local.supervise import Supervisor

NOTHING_LATER = "recovery ended before configured recovery target was reached"
"""How PostgreSQL ends when no commit in the archive is later than the moment it was told."""


def recover(
    node: Node,
    supervisor: Supervisor,
    past: tuple[Path, str],
    until: dt.datetime | None,
    closing: threading.Event,
) -> None:
    """Bring the volume of this node to a moment, or to the end of its past; leave it stopped.

    `past` is the archive and the superuser's password in it. When nothing was committed after the
    moment, the end of the archive is the moment.
    Raises: `ProgramFailedError`, soon after `closing` is set too.
    """
    archive, password = past
    node.recover(archive, until)
    if not _arrives(node, supervisor, password, closing):
        if until is None or NOTHING_LATER not in node.log.read_text(errors="replace"):
            raise ProgramFailedError(f"{node.name} cannot be recovered: see {node.log}")
        node.recover(archive, None)
        if not _arrives(node, supervisor, password, closing):
            raise ProgramFailedError(f"{node.name} cannot be recovered: see {node.log}")
    supervisor.end(node.name)
    node.reap()


def _arrives(node: Node, supervisor: Supervisor, password: str, closing: threading.Event) -> bool:
    """Whether it stops recovering, and does not end instead."""
    try:
        node.start(supervisor)
    except ProgramFailedError:
        if node.running():
            raise
        return False
    while node.running() and not closing.is_set():
        if _is_writer(node, password):
            return True
        time.sleep(0.05)
    return False


def _is_writer(node: Node, password: str) -> bool:
    with (
        contextlib.suppress(psycopg2.Error),
        contextlib.closing(node.connect(password)) as connection,
    ):
        cursor = connection.cursor()
        cursor.execute("SELECT NOT pg_is_in_recovery()")
        return bool(cursor.fetchone()[0])
    return False
