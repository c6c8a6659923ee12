"""A cluster's storage on this laptop: where its files lie, its own passwords, its past."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import shutil
import time
from typing import TYPE_CHECKING, Any

import psycopg2

from local import postgres_restore, postgres_roles, postgres_vitals
from local.postgres import ADMIN, REPLICATOR, Node, Places
from local.postgres_history import History

if TYPE_CHECKING:
    import datetime as dt
    import threading

    from local.postgres import Ground
    from local.postgres_vitals import Vitals

ARCHIVE_SECONDS = 30


class Storage:
    """What a cluster's servers share. Not thread safe but for what only asks."""

    _numbers = itertools.count(1)

    def __init__(self, ground: Ground, identifier: str) -> None:
        self._ground = ground
        self._identifier = identifier
        self._home = ground.state / identifier
        self.history = History(self._home, ground.account)
        self._places = Places(
            sockets=ground.state / "sock",
            archive=self.history.archive,
            passfile=self._home / "passfile",
            logs=ground.logs,
        )
        self._password, self._replicator_password = (secrets.token_urlsafe(32) for _ in range(2))
        self._past = self._home / "past", ""  # the archive to recover from, and its password

    def new_node(self) -> Node:
        number = next(self._numbers)
        name = f"{self._identifier}-{number}"
        return Node(name, self._home / str(number), number, self._places, self._ground.programs)

    def create(self, node: Node, master: str, password: str, database: str | None) -> None:
        """Start a new server, with RDS's roles, the master user and its database."""
        self._prepare()
        node.create(self._password)
        node.configure(None)
        node.start(self._ground.supervisor)
        with contextlib.closing(node.connect(self._password)) as connection:
            postgres_roles.found(connection, master, password, self._replicator_password)
            if database:
                postgres_roles.create_database(connection, database, master)
        self.history.back_up(node)

    def copy(self, node: Node, origin: Storage) -> None:
        """Take over the past of another storage, for this node to recover from.

        The origin may go once this returns.
        """
        self._prepare()
        account, (archive, _) = self._ground.account, self._past
        account.directory(node.directory)
        origin.history.copy(node.directory, account.directory(archive))
        self._past = archive, origin._password

    def recover(self, node: Node, until: dt.datetime | None, closing: threading.Event) -> None:
        """Start the server as it was at this moment, or at the end of the past that was copied."""
        supervisor, (archive, password) = self._ground.supervisor, self._past
        postgres_restore.recover(node, supervisor, self._past, until, closing)
        node.configure(None)
        node.start(supervisor)
        with contextlib.closing(node.connect(password)) as connection:
            postgres_roles.set_password(connection, REPLICATOR, self._replicator_password)
            postgres_roles.set_password(connection, ADMIN, self._password)
        shutil.rmtree(archive)
        self.history.back_up(node)

    def archive_all(self, node: Node) -> None:
        """Archive what is committed by now. Without a writer, what is archived must do."""
        with contextlib.suppress(psycopg2.Error):
            [(segment,)] = self.ask(node, "SELECT pg_walfile_name(pg_switch_wal())")
            deadline = time.monotonic() + ARCHIVE_SECONDS
            while not (self.history.archive / segment).exists() and time.monotonic() < deadline:
                time.sleep(0.02)

    def set_password(self, node: Node, role: str, password: str) -> None:
        with contextlib.closing(node.connect(self._password)) as connection:
            postgres_roles.set_password(connection, role, password)

    def ask(self, node: Node, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with contextlib.closing(node.connect(self._password)) as connection:
            cursor = connection.cursor()
            cursor.execute(query, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows

    def dial(self, node: Node) -> psycopg2.extensions.connection:
        """The beginning of a connection, for whoever polls it."""
        return node.dial(self._password)

    def vitals(self, node: Node) -> Vitals:
        """Raises: `psycopg2.Error` when it does not answer within two seconds."""
        with contextlib.closing(node.connect(self._password, patience=2)) as connection:
            return postgres_vitals.read(connection)

    def delete(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)

    def _prepare(self) -> None:
        account = self._ground.account
        self.delete()  # what a run that was killed has left
        account.directory(self._home)
        self.history.begin()
        account.file(self._places.passfile, f"*:*:*:{REPLICATOR}:{self._replicator_password}\n")
        admin = self._home / "rdsadmin"
        admin.touch(mode=0o600)
        admin.write_text(self._password)
