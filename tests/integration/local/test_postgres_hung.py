"""A server that hangs is as good as dead: clients of the cluster go on without it."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

import psycopg2
import pytest

from tests.eventually import eventually
from tests.integration.local.databases import freeze, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.local.databases import Databases

STREAMING = """
SELECT count(*) FROM pg_stat_replication
WHERE state = 'streaming' AND application_name <> 'backup'
"""


@pytest.fixture
def table(servers: Databases, request: pytest.FixtureRequest) -> Iterator[str]:
    servers.ask(f'CREATE TABLE "{request.node.name}" (n bigint)')
    whole(servers)
    yield f'"{request.node.name}"'
    servers.ask(f'DROP TABLE "{request.node.name}"')


def whole(servers: Databases) -> None:
    def streaming() -> int:
        try:
            return int(servers.ask(STREAMING)[0][0])
        except psycopg2.OperationalError:
            return 0

    eventually(streaming, 20, (2).__eq__)


def gone(family: list[int]) -> None:
    eventually(lambda: [pid for pid in family if running(pid)], 10, lambda left: not left)


def test_a_writer_that_hangs_is_replaced_and_no_acknowledged_commit_is_lost(
    servers: Databases, table: str
) -> None:
    acknowledged: list[tuple[int, float]] = []
    enough = threading.Event()

    def write() -> None:
        n = 0
        while not enough.is_set():
            with contextlib.suppress(psycopg2.Error), contextlib.closing(servers.connect()) as link:
                cursor = link.cursor()
                while not enough.is_set():
                    n += 1
                    cursor.execute(f"INSERT INTO {table} VALUES (%s)", (n,))
                    acknowledged.append((n, time.monotonic()))
            time.sleep(0.05)

    [(old,)] = servers.ask("SHOW cluster_name")
    writing = threading.Thread(target=write)
    writing.start()
    try:
        eventually(lambda: len(acknowledged), 10, lambda count: count > 50)
        family = freeze(servers.recorded()[old])
        frozen = time.monotonic()
        first = eventually(
            lambda: next((at for _, at in list(acknowledged) if at > frozen + 1), None), 15
        )
    finally:
        enough.set()
        writing.join(15)

    assert first is not None
    assert first - frozen < 10
    assert servers.ask("SHOW cluster_name") != [(old,)]
    assert {n for n, _ in acknowledged} <= {n for (n,) in servers.ask(f"SELECT n FROM {table}")}
    gone(family)
    whole(servers)
    assert servers.recorded()[old] not in family


def test_a_reader_that_hangs_stops_no_writes_and_is_replaced(
    servers: Databases, table: str
) -> None:
    [(writer,)] = servers.ask("SHOW cluster_name")
    [(victim,)] = servers.ask("SHOW cluster_name", endpoint="reader")
    with contextlib.ExitStack() as links:
        both = [links.enter_context(contextlib.closing(servers.connect("reader"))) for _ in "12"]
        clients = {_cluster(link): link for link in both}
        family = freeze(servers.recorded()[victim])
        began = time.monotonic()
        for n in range(20):
            servers.ask(f"INSERT INTO {table} VALUES (%s)", n)
        assert time.monotonic() - began < 3

        with pytest.raises(psycopg2.OperationalError):  # its client is not left hanging
            clients[victim].cursor().execute("SELECT 1")

    gone(family)
    whole(servers)
    assert servers.ask("SHOW cluster_name") == [(writer,)]
    seen = {servers.ask("SHOW cluster_name", endpoint="reader")[0][0] for _ in range(2)}
    assert victim in seen


def _cluster(connection: psycopg2.extensions.connection) -> str:
    cursor = connection.cursor()
    cursor.execute("SHOW cluster_name")
    return str(cursor.fetchall()[0][0])
