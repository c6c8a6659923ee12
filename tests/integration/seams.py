"""Places where a process can be killed: before and after every call to AWS, PostgreSQL and Redis.

The points are recorded, not written by hand: a clean run in a child process counts the calls to
AWS, the connects, statements and commits to PostgreSQL, the commands to Redis and the removals of
folders; then a child is
killed (SIGKILL, so that nothing can tidy up) before and after each of them.
"""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2
import redis
from botocore.client import BaseClient
from psycopg2 import extensions
from redis.cluster import RedisCluster

from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Point:
    """The n-th call, before or after it."""

    number: int
    after: bool
    name: str

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.number} {self.name}"


class Seams:
    """Counts calls as they happen; dies at one of them when told to."""

    def __init__(
        self, die_at: Point | None = None, tell: Callable[[str], object] | None = None
    ) -> None:
        self.names: list[str] = []
        self._die_at = die_at
        self._tell = tell or (lambda _: None)

    def around(self, name: str, call: Callable[[], Any]) -> Any:
        number = len(self.names)
        self.names.append(name)
        self._tell(f"before {name}\n")
        self._maybe_die(number, after=False)
        try:
            return call()
        finally:  # a refusal is an answer, too
            self._tell(f"after {name}\n")
            self._maybe_die(number, after=True)

    def _maybe_die(self, number: int, *, after: bool) -> None:
        point = self._die_at
        if point is not None and (point.number, point.after) == (number, after):
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """In a child process only: nothing is put back."""
        seams = self
        api, connect = BaseClient._make_api_call, psycopg2.connect
        command, in_cluster = redis.Redis.execute_command, RedisCluster.execute_command
        remove = shutil.rmtree

        def call_api(client: Any, operation: str, given: Any) -> Any:
            return seams.around(f"aws {operation}", lambda: api(client, operation, given))

        def call_redis(client: Any, *words: Any, **options: Any) -> Any:
            return seams.around(f"redis {words[0]}", lambda: command(client, *words, **options))

        def call_cluster(client: Any, *words: Any, **options: Any) -> Any:
            return seams.around(f"redis {words[0]}", lambda: in_cluster(client, *words, **options))

        def remove_tree(folder: Any, *given: Any, **named: Any) -> Any:
            return seams.around("rmtree", lambda: remove(folder, *given, **named))

        class Cursor(extensions.cursor):
            def execute(self, query: Any, values: Any = None) -> Any:
                run = super().execute
                return seams.around("execute", lambda: run(query, values))

        class Connection(extensions.connection):
            def commit(self) -> None:
                seams.around("commit", super().commit)

            def rollback(self) -> None:
                seams.around("rollback", super().rollback)

            def cursor(self, *given: Any, **named: Any) -> Any:
                return super().cursor(*given, cursor_factory=Cursor, **named)

        def dial(**parameters: Any) -> Any:
            return seams.around(
                "connect", lambda: connect(connection_factory=Connection, **parameters)
            )

        BaseClient._make_api_call = call_api
        redis.Redis.execute_command = call_redis
        RedisCluster.execute_command = call_cluster
        shutil.rmtree = remove_tree
        psycopg2.connect = dial
        aws.client.cache_clear()


def in_child(work: Callable[[Any], None]) -> tuple[int, str]:
    """Run `work(write)` in a forked process; returns its wait status and what it wrote."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            work(lambda text: os.write(writing, text.encode()))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    return status, told
