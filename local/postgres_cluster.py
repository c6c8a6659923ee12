"""An Aurora cluster on this laptop: one writer, readers that stream from it, two addresses."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import logging
import secrets
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg2

from local import postgres_roles, postgres_vitals
from local.postgres import REPLICATOR, Node, Places
from local.postgres_history import History
from local.unprivileged import ProgramFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local.endpoint import Endpoint, Targets
    from local.postgres import Ground
    from local.postgres_vitals import Vitals

WRITER_ADDRESS, READER_ADDRESS = "127.0.0.1", "127.0.0.2"
"""RDS knows one port per cluster, so its two endpoints need two addresses."""

logger = logging.getLogger(__name__)

CATCH_UP_SECONDS = 30
WATCH_SECONDS = 0.5


class Cluster:
    """The first instance adopts the cluster's volume, the others clone it.

    Thread safe. A watch restarts what crashes and promotes a reader when the writer does; what
    was ended on purpose stays ended.
    """

    _numbers = itertools.count(1)

    def __init__(self, ground: Ground, identifier: str, port: int) -> None:
        self.identifier = identifier
        self.port = port
        self._ground = ground
        self._home = ground.state / identifier
        self._history = History(self._home, ground.account)
        self._places = Places(
            sockets=ground.state / "sock",
            archive=self._history.archive,
            passfile=self._home / "passfile",
            logs=ground.logs,
        )
        self._password = secrets.token_urlsafe(32)
        self._lock = threading.RLock()
        self._repair = threading.Lock()  # taken before the other: one repair at a time
        self._closing = threading.Event()
        self._instances: dict[str, Node] = {}
        self._volume = self._new_node()
        self._writer: Node | None = None  # None while no node may write: clients wait outside
        self._lost: set[Node] = set()
        self._turn = itertools.count()
        self._endpoints: list[Endpoint] = []

    def create(self, master: str, password: str, database: str | None) -> None:
        """Start the writer, with RDS's roles, the master user and its database.

        Raises: `Complaint` when an endpoint's address is taken. Then, as after any other failure,
        `delete` ends what has started.
        """
        endpoints = self._ground.endpoints
        for address, targets in self._targets():
            self._endpoints.append(endpoints.postgres(address, self.port, targets))
        account, replicator_password = self._ground.account, secrets.token_urlsafe(32)
        shutil.rmtree(self._home, ignore_errors=True)  # of a run that was killed
        account.directory(self._home)
        self._history.begin()
        account.file(self._places.passfile, f"*:*:*:{REPLICATOR}:{replicator_password}\n")
        admin = self._home / "rdsadmin"
        admin.touch(mode=0o600)
        admin.write_text(self._password)
        self._volume.create(self._password)
        self._volume.configure(None)
        self._volume.start(self._ground.supervisor)
        with contextlib.closing(self._volume.connect(self._password)) as connection:
            postgres_roles.found(connection, master, password, replicator_password)
            if database:
                postgres_roles.create_database(connection, database, master)
        self._writer = self._volume
        self._history.back_up(self._volume)
        threading.Thread(target=self._watch, name=f"watch {self.identifier}", daemon=True).start()

    def add(self, instance: str) -> None:
        """Add an instance; returns when it serves."""
        with self._lock:
            if not self._instances:
                self._instances[instance] = self._volume
                self._volume.member = instance
                self._synchronise()
                return
            writer, node = self._volume, self._new_node()
        node.member = instance
        try:
            self._follow(node, writer)
        except BaseException:
            self._end(node)
            raise
        with self._lock:
            self._instances[instance] = node
            self._synchronise()

    def remove(self, instance: str) -> None:
        """Remove an instance. A reader takes over from a writer; the last one leaves its data."""
        with self._repair, self._lock:
            node = self._instances.pop(instance, None)
            if node is None or (node is self._volume and not self._instances):
                return
            if node is self._volume:
                self._hand_over()
            self._synchronise()  # first, or commits would wait for a reader that is gone
            self._end(node)

    def fail_over(self, instance: str | None = None) -> None:
        """Promote a reader, if possible this one; the old writer comes back as a reader.

        The old writer's clients are sent away before the new writer gets its first.
        """
        with self._repair:
            with self._lock:
                old = self._volume
                self._hand_over(self._instances[instance] if instance else None)
            self._rejoin(old)

    def delete(self) -> None:
        """End everything and remove the data. Safe to repeat."""
        self._closing.set()
        with self._repair, self._lock:
            for endpoint in self._endpoints:
                endpoint.close()
            nodes = {self._volume, *self._instances.values()}
            self._instances.clear()
            self._stop(*nodes)
            shutil.rmtree(self._home, ignore_errors=True)

    def set_password(self, role: str, password: str) -> None:
        """What RDS does when the master password is changed from outside."""
        with contextlib.closing(self._volume.connect(self._password)) as connection:
            postgres_roles.set_password(connection, role, password)

    def restorable(self) -> tuple[dt.datetime, dt.datetime]:
        """From when to when a point in time could be restored."""
        asked = dt.datetime.now(dt.UTC)
        [(archived,)] = self._ask("SELECT last_archived_time FROM pg_stat_archiver")
        return self._history.earliest, self._history.latest(self._volume, archived, asked)

    def vitals(self) -> Vitals:
        """The writer's. Raises: `psycopg2.Error` when none answers within two seconds."""
        if (writer := self._writer) is None:
            raise psycopg2.OperationalError("no member may write")
        with contextlib.closing(writer.connect(self._password, patience=2)) as connection:
            return postgres_vitals.read(connection)

    def members(self) -> dict[str, bool]:
        """Every instance, and whether it is the writer."""
        return {name: node is self._volume for name, node in list(self._instances.items())}

    # Who is behind the endpoints

    def _targets(self) -> tuple[tuple[str, Targets], ...]:
        return (WRITER_ADDRESS, self._writer_sockets), (READER_ADDRESS, self._reader_sockets)

    def _writer_sockets(self) -> Sequence[Path]:
        writer = self._writer
        return [writer.socket] if writer else []

    def _reader_sockets(self) -> Sequence[Path]:
        """Each reader in turn; the others, and at last the writer, in case it does not answer."""
        readers = [node.socket for node in self._readers() if node.running()]
        first = next(self._turn) % len(readers) if readers else 0
        return [*readers[first:], *readers[:first], *self._writer_sockets()]

    def _readers(self) -> list[Node]:
        return [node for node in list(self._instances.values()) if node is not self._volume]

    # How they follow each other

    def _new_node(self) -> Node:
        number = next(self._numbers)
        name = f"{self.identifier}-{number}"
        return Node(name, self._home / str(number), number, self._places, self._ground.programs)

    def _follow(self, node: Node, writer: Node) -> None:
        """Make this node a reader, and return when it streams."""
        node.clone(writer)
        node.configure(writer)
        node.start(self._ground.supervisor)
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while not self._streams(node):
            if time.monotonic() > deadline:
                raise ProgramFailedError(f"{node.name} does not stream from {writer.name}")
            time.sleep(0.02)

    def _streams(self, node: Node) -> bool:
        query = (
            "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND application_name = %s"
        )
        return bool(self._ask(query, node.member))

    def _synchronise(self) -> None:
        """A commit is acknowledged once one of the readers that live now has it on its disk."""
        names = ", ".join(f'"{node.member}"' for node in self._readers() if node.running())
        waited_for = f"ANY 1 ({names})" if names else ""
        self._volume.configure(None, synchronous_standby_names=waited_for)

    def _stop(self, *nodes: Node) -> None:
        self._ground.supervisor.end(*(node.name for node in nodes))
        for node in nodes:
            node.reap()

    def _end(self, node: Node) -> None:
        self._stop(node)
        node.remove()

    def _rejoin(self, node: Node) -> None:
        """Bring back a reader as a new clone. When that fails, the watch tries again."""
        self._lost.add(node)
        self._follow(node, self._volume)
        self._lost.discard(node)
        with self._lock:
            self._synchronise()

    def _hand_over(self, preferred: Node | None = None) -> None:
        """Make a reader the writer. Of those that know most, the preferred one."""
        writer_endpoint, reader_endpoint = self._endpoints
        self._writer = None
        writer_endpoint.disconnect()
        self._stop(self._volume)  # politely: its readers get all it has
        readers = [node for node in self._readers() if node.running()]
        successor = max(readers, key=lambda node: (self._received(node), node is preferred))
        with contextlib.closing(successor.connect(self._password)) as connection:
            connection.cursor().execute("SELECT pg_promote()")
        self._volume = successor
        reader_endpoint.disconnect()  # some of its clients were the successor's
        for reader in readers:
            if reader is not successor:
                reader.configure(successor)
        self._synchronise()
        self._writer = successor

    def _received(self, reader: Node) -> int:
        query = "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')"
        with contextlib.closing(reader.connect(self._password)) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return int(cursor.fetchone()[0])

    def _watch(self) -> None:
        while not self._closing.wait(WATCH_SECONDS):
            try:
                with self._repair:
                    self._mend()
            except (ProgramFailedError, psycopg2.Error, OSError) as error:
                logger.warning("%s is not whole yet: %s", self.identifier, error)

    def _mend(self) -> None:
        if self._closing.is_set():
            return
        crashed = [node for node in self._readers() if node.crashed() or node in self._lost]
        if self._volume.crashed():
            crashed = [self._volume]
            if not any(node.running() for node in self._readers()):
                self._volume.start(self._ground.supervisor)
                return
            with self._lock:
                self._hand_over()
        elif crashed:
            with self._lock:
                self._synchronise()  # commits go on without it
        for node in crashed:
            self._stop(node)
            self._rejoin(node)
        if self._history.too_long():
            self._history.back_up(self._volume)

    def _ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with contextlib.closing(self._volume.connect(self._password)) as connection:
            cursor = connection.cursor()
            cursor.execute(query, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows
