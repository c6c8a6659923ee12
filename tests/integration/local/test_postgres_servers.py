"""The laptop's Aurora: what RDS promises its clients holds here too."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest
from psycopg2 import errors

from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.local.databases import Databases


@pytest.fixture
def table(servers: Databases, request: pytest.FixtureRequest) -> Iterator[str]:
    name = request.node.name[:60]
    servers.ask(f'CREATE TABLE "{name}" (n bigint)')
    yield f'"{name}"'
    servers.ask(f'DROP TABLE "{name}"')


# --- What survives ---


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("synchronous_commit", "on"),
        ("server_encoding", "UTF8"),
        ("listen_addresses", ""),
    ],
)
def test_the_server_is_set_to_keep_what_it_acknowledged(
    servers: Databases, setting: str, value: str
) -> None:
    assert servers.ask("SELECT current_setting(%s)", setting) == [(value,)]


def test_it_is_postgresql_16(servers: Databases) -> None:
    [(version,)] = servers.ask("SHOW server_version_num")

    assert 160000 <= int(version) < 170000


def test_a_commit_reaches_both_readers_and_they_refuse_writes(
    servers: Databases, table: str
) -> None:
    servers.ask(f"INSERT INTO {table} VALUES (1)")

    for _ in range(2):  # the endpoint gives each reader its turn
        eventually(
            lambda: servers.ask(f"SELECT n FROM {table}", endpoint="reader"), 10, [(1,)].__eq__
        )
        with pytest.raises(errors.ReadOnlySqlTransaction):
            servers.ask(f"INSERT INTO {table} VALUES (2)", endpoint="reader")


def test_the_reader_endpoint_gives_each_reader_its_turn(servers: Databases) -> None:
    seen = [servers.ask("SHOW cluster_name", endpoint="reader")[0][0] for _ in range(4)]

    assert seen[0] != seen[1]
    assert seen[:2] == seen[2:]


def test_a_commit_waits_for_any_one_of_the_readers(servers: Databases, table: str) -> None:
    states = servers.ask("SELECT application_name, state, sync_state FROM pg_stat_replication")
    [(names,)] = servers.ask("SHOW synchronous_standby_names")
    assert names.startswith("ANY 1 (")
    assert sorted(states) == [(name, "streaming", "quorum") for name in sorted(_members(names))]

    def commits() -> bool:
        with contextlib.closing(servers.connect(options="-c statement_timeout=0")) as connection:
            writing = threading.Thread(
                target=connection.cursor().execute, args=(f"INSERT INTO {table} VALUES (1)",)
            )
            writing.start()
            writing.join(1)
            waited = writing.is_alive()
            for pid in receivers:
                os.kill(pid, signal.SIGCONT)
            writing.join(10)
            assert not writing.is_alive()
            return not waited

    query = "SELECT pid FROM pg_stat_wal_receiver"
    receivers = {servers.ask(query, endpoint="reader")[0][0] for _ in range(2)}
    assert len(receivers) == 2

    for asleep, acknowledged in (([], True), (list(receivers)[:1], True), (receivers, False)):
        for pid in asleep:
            os.kill(pid, signal.SIGSTOP)
        assert commits() is acknowledged


def test_the_archive_gets_every_change_within_seconds(servers: Databases, table: str) -> None:
    servers.ask(f"INSERT INTO {table} VALUES (1)")
    [(segment,)] = servers.ask("SELECT pg_walfile_name(pg_current_wal_lsn())")
    archive = (servers.home / "state" / "postgres" / "archive").resolve()

    eventually(
        lambda: {path.name for path in archive.iterdir()}, 20, lambda names: segment in names
    )


# --- What the endpoints are good for ---


@pytest.mark.parametrize("endpoint", ["writer", "reader"])
def test_a_statement_can_be_cancelled(servers: Databases, endpoint: str) -> None:
    with contextlib.closing(servers.connect(endpoint)) as connection:
        timer = threading.Timer(0.5, connection.cancel)
        timer.start()
        began = time.monotonic()
        with pytest.raises(errors.QueryCanceled):
            connection.cursor().execute("SELECT pg_sleep(30)")
        timer.join()

    assert time.monotonic() - began < 10


def test_a_large_answer_and_a_large_question_arrive_whole(servers: Databases) -> None:
    size = 5_000_000
    with contextlib.closing(servers.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT repeat('ä', %s)", (size,))
        [(answer,)] = cursor.fetchall()
        cursor.execute("SELECT length(%s), md5(%s)", (answer, answer))
        [(length, _)] = cursor.fetchall()

    assert answer == "ä" * size
    assert length == size


def test_a_client_that_breaks_off_leaves_nothing_behind(servers: Databases) -> None:
    host, port = servers.told["postgres"]["writer"].split(":")
    descriptors = Path(f"/proc/{servers.process.pid}/fd")
    servers.ask("SELECT 1")
    before = len(list(descriptors.iterdir()))

    ssl_request = b"\0\0\0\x08\x04\xd2\x16\x2f"
    hellos = (b"", b"\0", ssl_request, ssl_request + b"early", b"GET / HTTP/1.1\r\n\r\n")
    for hello in hellos * 10:
        with socket.create_connection((host, int(port)), 5) as client:
            client.sendall(hello)
            if hello == ssl_request:
                assert client.recv(1) == b"S"
                client.sendall(b"\x16\x03\x01 this is not a handshake")
    for _ in range(10):
        abandoned = servers.connect()
        socket.close(os.dup(abandoned.fileno()))
        abandoned.close()

    eventually(lambda: len(list(descriptors.iterdir())), 10, lambda count: count <= before)
    assert servers.ask("SELECT 1") == [(1,)]


# --- What happens when a server dies; last, because the roles move ---


def test_a_dead_reader_stops_nothing_and_comes_back(servers: Databases, table: str) -> None:
    [(victim,)] = servers.ask("SHOW cluster_name", endpoint="reader")

    servers.kill(victim)
    began = time.monotonic()
    for n in range(20):
        servers.ask(f"INSERT INTO {table} VALUES (%s)", n)

    assert time.monotonic() - began < 10
    eventually(lambda: len(_streaming(servers)), 30, (2).__eq__)
    seen = {servers.ask("SHOW cluster_name", endpoint="reader")[0][0] for _ in range(2)}
    assert victim in seen


def test_no_acknowledged_commit_is_lost_with_the_writer(servers: Databases, table: str) -> None:
    acknowledged: list[int] = []
    numbers = itertools.count()

    def write_until_it_dies() -> None:
        with contextlib.suppress(psycopg2.Error), contextlib.closing(servers.connect()) as writer:
            cursor = writer.cursor()
            for n in numbers:
                cursor.execute(f"INSERT INTO {table} VALUES (%s)", (n,))
                acknowledged.append(n)

    def kept() -> set[int] | None:
        try:
            return {n for (n,) in servers.ask(f"SELECT n FROM {table}")}
        except psycopg2.OperationalError:
            return None

    [(old,)] = servers.ask("SHOW cluster_name")
    writers = [threading.Thread(target=write_until_it_dies) for _ in range(4)]
    for writer in writers:
        writer.start()
    eventually(lambda: len(acknowledged), 20, lambda count: count > 200)
    servers.kill(old)
    for writer in writers:
        writer.join(30)

    rows = eventually(kept, 30, lambda seen: seen is not None)
    assert servers.ask("SHOW cluster_name") != [(old,)]
    assert set(acknowledged) <= set(rows or ())
    eventually(lambda: len(_streaming(servers)), 60, (2).__eq__)
    seen = {servers.ask("SHOW cluster_name", endpoint="reader")[0][0] for _ in range(2)}
    assert old in seen


def _members(standby_names: str) -> list[str]:
    inside = standby_names.partition("(")[2].rstrip(")")
    return [name.strip(' "') for name in inside.split(",")]


def _streaming(servers: Databases) -> list[str]:
    """The readers that keep up with the writer; a copy being taken is none."""
    query = "SELECT application_name FROM pg_stat_replication WHERE state = 'streaming'"
    try:
        names = [name for (name,) in servers.ask(query)]
    except psycopg2.OperationalError:
        return []
    return [name for name in names if name != "backup"]
