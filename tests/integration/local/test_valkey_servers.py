"""The laptop's ElastiCache: a cluster that is reached through TLS alone, by users alone."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from redis.crc import key_slot

from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.integration.local.databases import Databases


def test_the_cluster_has_three_primaries_that_share_the_slots(servers: Databases) -> None:
    first = servers.told["redis"]["port"]

    with contextlib.closing(servers.redis()) as cluster:
        primaries = {node.port for node in cluster.get_primaries()}
        shards = cluster.execute_command("CLUSTER SLOTS", target_nodes="random")

    assert primaries == {first, first + 1, first + 2}
    assert sorted(shards) == [(0, 5461), (5462, 10923), (10924, 16383)]


@pytest.mark.parametrize("login", ["ops", "app"])
def test_a_cluster_client_reaches_every_key(servers: Databases, login: str) -> None:
    keys = [f"every:{login}:{n}" for n in range(100)]
    with contextlib.closing(servers.redis(login)) as cluster:
        assert len({cluster.get_node_from_key(key).port for key in keys}) == 3
        for key in keys:
            cluster.set(key, key.upper(), ex=60)
        assert [cluster.get(key) for key in keys] == [key.upper().encode() for key in keys]


def test_a_pipeline_spans_the_nodes(servers: Databases) -> None:
    with contextlib.closing(servers.redis()) as cluster, cluster.pipeline() as pipeline:
        for n in range(1000):
            pipeline.pfadd(f"pipeline:{n}", "somebody").expire(f"pipeline:{n}", 60)
        assert pipeline.execute() == [1, True] * 1000


def test_a_node_sends_clients_to_another_node_s_tls_endpoint(servers: Databases) -> None:
    first = servers.told["redis"]["port"]
    moved: dict[str, tuple[int, int]] = {}
    with contextlib.closing(servers.redis_node()) as node:
        for n in range(50):
            try:
                node.get(f"key:{n}")
            except redis.exceptions.MovedError as error:
                moved[f"key:{n}"] = (error.slot_id, error.port)

    assert {port for _, port in moved.values()} == {first + 1, first + 2}
    assert all(key_slot(key.encode()) == slot for key, (slot, _) in moved.items())


@pytest.mark.parametrize(
    "login",
    [
        {"username": None, "password": None},
        {"username": "default", "password": "anything"},
        {"username": "ops", "password": "wrong"},
        {"username": "elasticache-admin", "password": "anything"},
        {"username": "nobody", "password": "anything"},
    ],
)
def test_who_is_no_user_is_refused(servers: Databases, login: dict[str, str | None]) -> None:
    with (
        contextlib.closing(servers.redis_node(**login)) as node,
        pytest.raises(redis.AuthenticationError),
    ):
        node.ping()


def test_a_user_s_password_opens_no_other_user(servers: Databases) -> None:
    password = servers.told["redis"]["app"]["password"]

    with (
        contextlib.closing(servers.redis_node(password=password)) as node,
        pytest.raises(redis.AuthenticationError),
    ):
        node.ping()


def test_plaintext_gets_no_answer(servers: Databases) -> None:
    address = servers.told["redis"]["host"], servers.told["redis"]["port"]
    with socket.create_connection(address, 5) as client:
        client.sendall(b"PING\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"PONG" not in client.recv(1000)


def test_the_nodes_listen_nowhere_but_behind_tls_and_on_their_bus(servers: Databases) -> None:
    base = servers.told["redis"]["port"]
    pids = {pid for name, pid in servers.recorded().items() if name.startswith("valkey-")}
    listening = _listening_ports(pids)

    assert listening == {base + 20, base + 21, base + 22}


@pytest.mark.parametrize(
    ("trusted", "name"), [("ours", "cache.example"), ("the system's", "127.0.0.1")]
)
def test_a_client_that_does_not_know_the_server_turns_away(
    servers: Databases, trusted: str, name: str
) -> None:
    address = servers.told["redis"]["host"], servers.told["redis"]["port"]
    context = ssl.create_default_context(cafile=servers.ca if trusted == "ours" else None)

    with (
        socket.create_connection(address, 5) as connection,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(connection, server_hostname=name)


@pytest.mark.parametrize(
    "command",
    [
        "CONFIG GET maxmemory",
        "ACL SETUSER ops nopass",
        "ACL LIST",
        "CLUSTER MEET 127.0.0.1 1",
        "CLUSTER RESET",
        "SHUTDOWN",
        "REPLICAOF NO ONE",
        "KEYS *",
        "FLUSHALL",
    ],
)
def test_nobody_may_administer(servers: Databases, command: str) -> None:
    with (
        contextlib.closing(servers.redis_node()) as node,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        node.execute_command(*command.split())


def test_no_data_and_no_password_is_on_the_disk(servers: Databases) -> None:
    with contextlib.closing(servers.redis()) as cluster:
        for n in range(100):
            cluster.set(f"disk:{n}", "a value that stays in memory", ex=60)
    state = (servers.home / "state" / "valkey").resolve()
    files = {path for path in state.rglob("*") if path.is_file()}
    content = b"".join(path.read_bytes() for path in files)

    assert {path.name for path in files} == {"nodes.conf", "users.acl"}
    assert b"a value that stays in memory" not in content
    assert servers.told["redis"]["ops"]["password"].encode() not in content


def test_a_node_that_died_comes_back_empty_but_with_its_users(servers: Databases) -> None:
    with contextlib.closing(servers.redis()) as cluster:
        lost = next(k for n in range(99) if key_slot((k := f"lost:{n}").encode()) <= 5461)
        kept = next(k for n in range(99) if key_slot((k := f"kept:{n}").encode()) > 5461)
        cluster.set(lost, 1, ex=300)
        cluster.set(kept, 1, ex=300)

    servers.kill("valkey-1")

    def seen() -> tuple[object, object] | None:
        try:
            with contextlib.closing(servers.redis()) as fresh:
                return fresh.get(lost), fresh.get(kept)
        except (redis.RedisError, redis.exceptions.RedisClusterException):
            return None

    assert eventually(seen, 30, lambda values: values is not None) == (None, b"1")


def _listening_ports(pids: set[int]) -> set[int]:
    """The TCP ports on which these processes listen."""
    inodes = {
        link.readlink().name.rpartition("[")[2].rstrip("]")
        for pid in pids
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        int(line[1].rpartition(":")[2], 16)
        for line in lines
        if line[3] == "0A" and line[9] in inodes
    }
