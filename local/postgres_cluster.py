"""An Aurora cluster on this laptop: one writer, and readers that stream from it."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import threading
from typing import TYPE_CHECKING

import psycopg2

from local import postgres_streaming
from local.postgres_news import Happening, News, Tell, to_nobody
from local.postgres_pulse import Pulse
from local.postgres_storage import Storage
from local.unprivileged import ProgramFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local.postgres import Ground, Node
    from local.postgres_address import Door, Role
    from local.postgres_vitals import Vitals

logger = logging.getLogger(__name__)

FOUNDING_SECONDS = 600
WATCH_SECONDS = 0.5


class Cluster:
    """The first instance adopts the cluster's volume, the others clone it.

    Thread safe. A watch restarts what crashes and promotes a reader when the writer does; what
    hangs is killed and so has crashed; what was ended on purpose stays ended.
    """

    def __init__(self, ground: Ground, identifier: str, tell: Tell = to_nobody) -> None:
        self.identifier = identifier
        self.doors: set[Door] = set()
        """What leads here. A door enters and leaves by itself."""
        self.founded = threading.Event()
        """Set when its volume is there, or never will be: instances wait for it."""
        self._ground = ground
        self._storage = Storage(ground, identifier)
        self._pulse = Pulse(self._nodes, self._storage.dial)
        self._tell = tell
        self._lock = threading.RLock()
        self._repair = threading.Lock()  # taken before the other: one repair at a time
        self._closing = threading.Event()
        self._instances: dict[str, Node] = {}
        self._volume = self._storage.new_node()
        self._writer: Node | None = None  # None while no node may write: clients wait outside
        self._lost: set[Node] = set()
        self._turn = itertools.count()

    def create(self, master: str, password: str, database: str | None) -> None:
        """Start the volume, with RDS's roles, the master user and its database.

        After a failure, `delete` ends what has started.
        """
        self._storage.create(self._volume, master, password, database)
        self._begin()

    def copy(self, origin: Cluster) -> None:
        """Take over another cluster's past, all that it has committed; `recover` comes next.

        The origin may be in any state, and may go once this returns.
        """
        origin._storage.archive_all(origin._volume)
        self._storage.copy(self._volume, origin._storage)

    def recover(self, until: dt.datetime | None) -> None:
        """Start the volume as it was at this moment, or at the end of the past that was copied.

        After a failure, `delete` ends what has started; instances that wait are refused.
        """
        try:
            with self._repair:
                self._storage.recover(self._volume, until, self._closing)
        except BaseException:
            self._closing.set()
            self.founded.set()
            raise
        self._begin()

    def add(self, instance: str) -> None:
        """Add an instance; returns when it serves. The first one lets clients in."""
        if not self.founded.wait(FOUNDING_SECONDS) or self._closing.is_set():
            raise ProgramFailedError(f"{self.identifier} has no volume yet")
        with self._lock:
            if not self._instances:
                self._instances[instance] = self._volume
                self._volume.member = instance
                self._synchronise()
                self._writer = self._volume
                return
            node = self._storage.new_node()
        node.member = instance
        try:
            writer = self._follow(node)
        except BaseException:
            self._end(node)
            raise
        with self._lock:
            if self._volume is not writer:  # since a moment
                node.configure(self._volume)
            self._instances[instance] = node
            self._synchronise()

    def remove(self, instance: str) -> None:
        """Remove an instance. A reader takes over from a writer; the last one leaves its data."""
        with self._repair, self._lock:
            node = self._instances.pop(instance, None)
            if node is None:
                return
            if node is self._volume and not self._instances:
                self._writer = None
                self._send_away("writer", "reader")
                return
            if node is self._volume:
                self._hand_over()
            self._synchronise()  # first, or commits would wait for a reader that is gone
            self._end(node)

    def rename(self, instance: str, name: str) -> None:
        """Call an instance by another name; a reader streams under it from now on."""
        with self._repair:
            with self._lock:
                node = self._instances[instance]
                self._instances = {
                    (name if each == instance else each): n for each, n in self._instances.items()
                }
                node.member = name
                if node is self._volume:
                    return
                node.configure(self._volume)
                self._synchronise()
            postgres_streaming.wait_for(node, self._settled, self._storage)

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
            nodes = self._nodes()
            self._instances.clear()
            self._stop(*nodes)
            self._storage.delete()

    def set_password(self, role: str, password: str) -> None:
        """What RDS does when the master password is changed from outside."""
        self._storage.set_password(self._volume, role, password)

    def restorable(self) -> tuple[dt.datetime, dt.datetime]:
        """From when to when a point in time can be restored."""
        asked = dt.datetime.now(dt.UTC)
        history = self._storage.history
        return history.earliest, history.latest(self._volume, asked)

    def vitals(self) -> Vitals:
        """The writer's. Raises: `psycopg2.Error` when none answers within two seconds."""
        writer = self._writer
        if writer is None or not self._instances:
            raise psycopg2.OperationalError("no member may write")
        return self._storage.vitals(writer)

    def members(self) -> dict[str, bool]:
        """Every instance, and whether it is the writer."""
        return {name: node is self._volume for name, node in list(self._instances.items())}

    # Who is behind the doors

    def sockets(self, role: Role) -> Sequence[Path]:
        return self._writer_sockets() if role == "writer" else self._reader_sockets()

    def _send_away(self, *roles: Role) -> None:
        for door in list(self.doors):
            if door.role in roles:
                door.send_away()

    def _writer_sockets(self) -> Sequence[Path]:
        writer = self._writer
        return [writer.socket] if writer else []

    def _reader_sockets(self) -> Sequence[Path]:
        """Each reader in turn; the others, and at last the writer, in case it does not answer."""
        readers = [node.socket for node in self._readers() if node.running()]
        first = next(self._turn) % len(readers) if readers else 0
        return [*readers[first:], *readers[:first], *self._writer_sockets()]

    def _nodes(self) -> set[Node]:
        return {self._volume, *list(self._instances.values())}

    def _readers(self) -> list[Node]:
        return [node for node in list(self._instances.values()) if node is not self._volume]

    # How they follow each other

    def _begin(self) -> None:
        for task in (self._watch, lambda: self._pulse.watch(self._closing)):
            threading.Thread(target=task, name=f"watch {self.identifier}", daemon=True).start()
        self.founded.set()

    def _follow(self, node: Node) -> Node:
        """Make this node a reader; returns the writer when it streams from it."""
        supervisor = self._ground.supervisor
        return postgres_streaming.follow(node, self._settled, supervisor, self._storage, self._stop)

    def _settled(self) -> Node:
        """The writer, when a change of it has ended."""
        with self._lock:
            return self._volume

    def _synchronise(self) -> None:
        """A commit is acknowledged once one of the readers that live now has it on its disk."""
        waited_for = postgres_streaming.quorum(self._readers())
        self._volume.configure(None, synchronous_standby_names=waited_for)

    def _stop(self, *nodes: Node) -> None:
        for node in nodes:
            self._pulse.excuse(node)
        self._ground.supervisor.end(*(node.name for node in nodes))
        for node in nodes:
            node.reap()

    def _end(self, node: Node) -> None:
        self._stop(node)
        node.remove()

    def _rejoin(self, node: Node) -> None:
        """Bring back a reader as a new clone. When that fails, the watch tries again."""
        self._lost.add(node)
        self._follow(node)
        self._lost.discard(node)
        with self._lock:
            self._synchronise()
        self._tell(News(Happening.RESTARTED, node.member))

    def _hand_over(self, preferred: Node | None = None) -> None:
        """Make a reader the writer. Of those that know most, the preferred one."""
        former, started = self._volume, dt.datetime.now(dt.UTC)
        self._writer = None
        self._send_away("writer")
        self._stop(former)  # politely: its readers get all it has
        readers = [node for node in self._readers() if node.running()]
        has = {node: postgres_streaming.received(node, self._storage) for node in readers}
        successor = max(readers, key=lambda node: (has[node], node is preferred))
        self._tell(News(Happening.FAILOVER_STARTED, successor.member, former.member, started))
        self._storage.ask(successor, "SELECT pg_promote()")
        self._volume = successor
        self._send_away("reader")  # some of its clients were the successor's
        for reader in readers:
            if reader is not successor:
                reader.configure(successor)
        self._synchronise()
        self._writer = successor
        self._tell(News(Happening.FAILOVER_COMPLETED, successor.member))

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
                if self._instances:
                    self._tell(News(Happening.RESTARTED, self._volume.member))
                return
            with self._lock:
                self._hand_over()
        elif crashed:
            with self._lock:
                self._synchronise()  # commits go on without it
        for node in crashed:
            self._stop(node)
            self._rejoin(node)
        if self._storage.history.too_long():
            self._storage.history.back_up(self._volume)
