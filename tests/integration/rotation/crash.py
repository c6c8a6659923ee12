"""Kills a rotation at every call that it makes, and looks at what is left.

The points are recorded, not written by hand: a clean run in a child process counts the calls to
AWS, the connects, statements and commits to PostgreSQL and the commands to Redis; then a child is
killed (SIGKILL, so that nothing can tidy up) before and after each of them.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg2
import redis
from botocore.client import BaseClient
from psycopg2 import extensions

from rotation.ticket import STEPS
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.rotation.conftest import Rig


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
        command = redis.Redis.execute_command

        def call_api(client: Any, operation: str, given: Any) -> Any:
            return seams.around(f"aws {operation}", lambda: api(client, operation, given))

        def call_redis(client: Any, *words: Any, **options: Any) -> Any:
            return seams.around(f"redis {words[0]}", lambda: command(client, *words, **options))

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


def record(rig: Rig, login: str) -> list[Point]:
    """Every point of a clean rotation, which is not the first one of its login."""
    rig.rotate(login)
    token = rig.begin(login)

    def clean(write: Any) -> None:
        seams = Seams()
        seams.install()
        for step in STEPS:
            rig.step(login, token, step)
        write("\n".join(seams.names))

    status, told = in_child(clean)
    assert status == 0, f"a clean rotation of {login} failed"
    names = told.split("\n")
    return [
        Point(number, after, name) for number, name in enumerate(names) for after in (False, True)
    ]


@dataclass
class Aftermath:
    """What one kill has left."""

    point: Point
    place: str
    """What had happened since the last commit. Two rotations differ in how many versions they try
    before it, so that one number may be two places and one place two numbers."""
    current_logs_in: bool
    ladder_logs_in: bool
    converged: bool = False


def kill(rig: Rig, login: str, point: Point, *, cleared: bool) -> Aftermath | None:
    """Kill a rotation there, look, then recover: as Secrets Manager retries, with the same token,
    or as an operator who takes the label away and rotates anew.

    Returns nothing when this rotation was a call or two shorter than the recorded one.
    """
    token = rig.begin(login)

    def run(write: Any) -> None:
        Seams(point, write).install()
        for step in STEPS:
            write(f"{step}\n")
            rig.step(login, token, step)

    status, told = in_child(run)
    if status == 0:
        return None
    assert os.WIFSIGNALED(status), f"{login} failed before it reached {point}"
    rig.release_hold()
    current = accepted(rig, login, VersionStage="AWSCURRENT")
    stages = rig.stages(login)
    pending = "AWSPENDING" in stages and accepted(rig, login, VersionStage="AWSPENDING")
    left = Aftermath(point, _place(told), current, current or pending)
    if cleared and stages.get("AWSPENDING") == token:
        rig.clear_label(login, token)
    if cleared:
        token = rig.begin(login)
    rig.rotate(login, token)
    stages = rig.stages(login)
    left.converged = (
        stages["AWSCURRENT"] == token and "AWSPENDING" not in stages and accepted(rig, login)
    )
    return left


def _place(told: str) -> str:
    lines = told.split("\n")[:-1]
    commits = [number for number, line in enumerate(lines) if line == "after commit"]
    return ", ".join(lines[commits[-1] if commits else 0 :])


def kill_everywhere(rig: Rig, login: str, *, cleared: bool) -> Iterator[Aftermath]:
    """At one call after the other, until a rotation ends before the next one: the more versions
    there are, the more pages their list has, so the last rotation is longer than the recorded."""
    for number in count():
        for after in (False, True):
            left = kill(rig, login, Point(number, after, ""), cleared=cleared)
            if left is None:
                return
            yield left


def accepted(rig: Rig, login: str, **which: str) -> bool:
    """Whether a bare client gets in with this version."""
    try:
        value = rig.value(login, **which)
    except rig.vault.exceptions.ResourceNotFoundException:
        return False
    except KeyError:
        return False
    if not login.startswith("redis/"):
        return rig.accepts(login, **which)
    try:
        return all(rig.laptop.redis(value["password"], node=node).ping() for node in range(3))
    except redis.exceptions.AuthenticationError:
        return False
