"""Kills servers that hang. Whoever waits for one waits for ever; a dead one is replaced.

A server that is stopped keeps its sockets open, and its kernel accepts what comes. Aurora's health
checks see that; a look at the process does not.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import extensions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from local.postgres import Node

logger = logging.getLogger(__name__)

ROUND_SECONDS = 0.5
ANSWER_SECONDS = 1.5
MISSES = 3
"""Unanswered questions in a row. Nothing is killed that was silent for less than five seconds."""


class Pulse:
    """Asks each running server whether it answers, on a thread that needs no lock.

    Whoever holds a lock may be waiting for the server that hangs. One that is still starting, or
    was excused, is not judged: starts and stops take their time.
    """

    def __init__(
        self, nodes: Callable[[], Iterable[Node]], dial: Callable[[Node], extensions.connection]
    ) -> None:
        """`dial` begins a connection that is polled: it must not wait."""
        self._nodes = nodes
        self._dial = dial
        self._turn = threading.Lock()
        self._misses: dict[int, int] = {}  # of each server, by its pid
        self._excused: set[int] = set()

    def watch(self, closing: threading.Event) -> None:
        while not closing.wait(ROUND_SECONDS):
            self.look()

    def look(self) -> None:
        """Ask each server once; kill those that have been silent for too long."""
        asked = {node.pid: node for node in self._nodes() if node.serves()}
        answered = {node.pid for node in self._answering([*asked.values()])}
        for pid in self._judge(set(asked), answered):
            logger.warning("%s does not answer: it is killed", asked[pid].name)
            asked[pid].kill()

    def excuse(self, node: Node) -> None:
        """Its process is about to be stopped."""
        with self._turn:
            self._excused.add(node.pid)

    def _judge(self, asked: set[int], answered: set[int]) -> list[int]:
        with self._turn:
            self._excused &= asked
            self._misses = {
                pid: 0 if pid in answered else self._misses.get(pid, 0) + 1
                for pid in asked - self._excused
            }
            return [pid for pid, count in self._misses.items() if count >= MISSES]

    def _answering(self, nodes: Sequence[Node]) -> list[Node]:
        """Those that run a statement in time. All are asked at once: one must not delay others."""
        deadline = time.monotonic() + ANSWER_SECONDS
        asked = {}
        for node in nodes:
            try:
                asked[node] = self._dial(node)
            except psycopg2.Error:
                continue
        questions = {node: _Question(connection) for node, connection in asked.items()}
        try:
            while (waits := _waits(questions)) and (left := deadline - time.monotonic()) > 0:
                poll = select.poll()  # unlike select, for any number of open files
                for descriptor, events in waits:
                    poll.register(descriptor, events)
                poll.poll(left * 1000)
        finally:
            for connection in asked.values():
                connection.close()
        return [node for node, question in questions.items() if question.answered]


class _Question:
    """A connection on its way to an answer."""

    def __init__(self, connection: extensions.connection) -> None:
        self.answered = self.failed = False
        self._connection = connection
        self._cursor: extensions.cursor | None = None

    def proceed(self) -> tuple[int, int] | None:
        """The descriptor and the events to wait for; None when there are none left."""
        try:
            while (state := self._connection.poll()) == extensions.POLL_OK:
                if self._cursor is not None:
                    self.answered = True
                    return None
                self._cursor = self._connection.cursor()
                self._cursor.execute("SELECT 1")
            events = select.POLLOUT if state == extensions.POLL_WRITE else select.POLLIN
            return self._connection.fileno(), events
        except psycopg2.Error:
            self.failed = True
            return None


def _waits(questions: dict[Node, _Question]) -> list[tuple[int, int]]:
    open_ones = [each for each in questions.values() if not (each.answered or each.failed)]
    return [wait for each in open_ones if (wait := each.proceed())]
