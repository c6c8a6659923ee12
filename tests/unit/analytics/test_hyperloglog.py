"""Commands packed by hand: what is sent, how long keys live, and how answers are read."""

from __future__ import annotations

import re
from binascii import crc_hqx
from contextlib import nullcontext
from typing import Any

import pytest
from redis.exceptions import ConnectionError, MovedError, ResponseError, TimeoutError  # noqa: A004

from analytics import hyperloglog


class Node:
    """Answers every command with 1."""

    def __init__(self) -> None:
        self.connection_pool = self
        self.sent = b""
        self.pending = 0
        self.closed = 0
        self.reconnect()

    def reconnect(self) -> None:
        self._sock = Socket(self)

    def disconnect(self) -> None:
        self.closed += 1
        self.pending = 0

    def get_connection(self) -> Node:
        return self

    def send_packed_command(self, chunks: list[bytes]) -> None:
        self.sent += b"".join(chunks)
        self.pending = self.sent.count(b"*")

    def release(self, _: Node) -> None:
        assert not self.pending


class Socket:
    def __init__(self, node: Node) -> None:
        self.node = node

    def recv(self, _: int) -> bytes:
        answers, self.node.pending = self.node.pending, 0
        return b":1\r\n" * answers


class Cluster:
    """What an adder uses of redis-py's, and what it has sent since somebody looked."""

    def __init__(self, nodes: int = 1) -> None:
        self.nodes_manager = self
        self.nodes = [Node() for _ in range(nodes)]
        self.slots_cache = {slot: [self.nodes[slot % nodes]] for slot in range(16_384)}

    def get_redis_connection(self, node: Node) -> Node:
        assert node in self.nodes
        return node

    def serving(self, key: str) -> Node:
        return self.slots_cache[crc_hqx(key.encode(), 0) % 16_384][0]

    def told(self, command: bytes) -> set[str]:
        """Of which keys; each by the node that serves it."""
        found = set()
        for node in self.nodes:
            for name in re.findall(command + rb"\r\n\$\d+\r\n(\S+)\r\n", node.sent):
                found.add(name.decode())
                assert self.serving(name.decode()) is node
        return found

    def sent(self) -> tuple[set[str], set[str]]:
        """Keys that were added to, and those whose life was prolonged."""
        found = self.told(b"PFADD"), self.told(b"EXPIRE")
        for node in self.nodes:
            node.sent = b""
        return found


ONE = [b"12345678"]
KEYS = {f"live:{n}" for n in range(30)}


def test_commands_are_packed_as_the_protocol_wants_them() -> None:
    cluster: Any = Cluster()

    hyperloglog.Adder().add(cluster, {"live:x": [b"12345678", b"abcdefgh"]})

    assert cluster.nodes[0].sent == (
        b"*4\r\n$5\r\nPFADD\r\n$6\r\nlive:x\r\n$8\r\n12345678\r\n$8\r\nabcdefgh\r\n"
        b"*3\r\n$6\r\nEXPIRE\r\n$6\r\nlive:x\r\n$4\r\n7200\r\n"
    )


@pytest.mark.parametrize("nodes", [1, 3, 20])
def test_a_keys_life_is_prolonged_once_in_half_a_minute(nodes: int) -> None:
    now = 100.0
    cluster: Any = Cluster(nodes)
    adder = hyperloglog.Adder(clock=lambda: now)

    def prolonged(keys: set[str]) -> set[str]:
        adder.add(cluster, dict.fromkeys(keys, ONE))
        added, found = cluster.sent()
        assert added == keys
        return found  # type: ignore[no-any-return]

    assert prolonged(KEYS) == KEYS
    assert prolonged(KEYS | {"c"}) == {"c"}
    assert prolonged({"a"}) == {"a"}
    assert prolonged({"a", "c"}) == set()
    assert prolonged(KEYS) == set()

    # All that were added to since, also where nothing is added any more: they may have been evicted
    # after their life was prolonged, and then they came back without an end.
    now += hyperloglog.PROLONG_SECONDS
    assert prolonged({"a", "d"}) == KEYS | {"a", "c", "d"}
    assert prolonged({"a", "c"}) == {"c"}


def test_another_connection_may_lead_to_a_node_that_knows_nothing() -> None:
    now = 100.0
    cluster: Any = Cluster(3)
    adder = hyperloglog.Adder(clock=lambda: now)
    adder.add(cluster, dict.fromkeys(KEYS, ONE))
    cluster.sent()
    cluster.nodes[1].reconnect()
    there = {key for key in KEYS if cluster.serving(key) is cluster.nodes[1]}
    assert 0 < len(there) < len(KEYS)

    adder.add(cluster, dict.fromkeys(KEYS, ONE))
    assert cluster.sent() == (KEYS, there)
    adder.add(cluster, dict.fromkeys(KEYS, ONE))
    assert cluster.sent() == (KEYS, set())

    now += hyperloglog.PROLONG_SECONDS  # and all are owed, whatever is added to meanwhile
    cluster.nodes[2].reconnect()
    adder.add(cluster, {"live:0": ONE})
    assert cluster.sent() == ({"live:0"}, KEYS)


def test_another_client_is_another_cluster() -> None:
    """After a rotation the old one's connections would log in with the old password."""
    now = 100.0
    adder = hyperloglog.Adder(clock=lambda: now)
    old: Any = Cluster(3)
    adder.add(old, dict.fromkeys(KEYS, ONE))
    old.sent()
    new: Any = Cluster(2)

    adder.add(new, dict.fromkeys(KEYS | {"new"}, ONE))

    assert new.sent() == (KEYS | {"new"}, KEYS | {"new"})
    assert old.sent() == (set(), set())


def test_what_failed_takes_no_key_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    cluster: Any = Cluster(3)
    adder = hyperloglog.Adder(clock=lambda: now)
    adder.add(cluster, dict.fromkeys(KEYS, ONE))

    def gone(*_: Any) -> None:
        raise ConnectionError("gone")

    now += hyperloglog.PROLONG_SECONDS
    with monkeypatch.context() as patch:
        patch.setattr(hyperloglog, "_read", gone)
        with pytest.raises(ConnectionError):
            adder.add(cluster, {"a": ONE})
    cluster.sent()

    adder.add(cluster, {"b": ONE})
    assert cluster.sent() == ({"b"}, KEYS | {"b"})


@pytest.mark.parametrize(
    ("trouble", "repeated"),
    [
        (MovedError("1 127.0.0.1:1"), True),
        (ResponseError("BUSY"), True),
        (KeyError(7), True),
        (ConnectionError("gone"), False),
        (TimeoutError("silent"), False),
        (OSError("no route"), False),
    ],
    ids=repr,
)
def test_only_commands_that_went_the_wrong_way_are_sent_again(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception, repeated: bool
) -> None:
    again: list[Any] = []

    def fail(*_: Any) -> None:
        raise trouble

    cluster: Any = Cluster()
    adder = hyperloglog.Adder()
    adder.add(cluster, {"live:x": [b"12345678"]})
    monkeypatch.setattr(hyperloglog, "_read", fail)
    monkeypatch.setattr(hyperloglog, "_add_by_pipeline", lambda *what: again.append(what))

    with nullcontext() if repeated else pytest.raises(type(trouble)):
        adder.add(cluster, {"live:x": [b"12345678"]})

    assert again == ([(cluster, {"live:x": [b"12345678"]})] if repeated else [])
    assert cluster.nodes[0].closed == 1
    monkeypatch.undo()
    cluster.sent()
    adder.add(cluster, {"live:x": [b"12345678"]})
    assert cluster.sent() == ({"live:x"}, {"live:x"})  # who knows what happened to it


class Line:
    """A connection that brings answers in these pieces, and then nothing."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = [*pieces, b""]

    def recv(self, _: int) -> bytes:
        return self.pieces.pop(0)


@pytest.mark.parametrize(
    "pieces", [[b":1\r\n:0\r\n:1\r\n"], [b":", b"1\r", b"\n:0\r\n", b":1\r\n"]]
)
def test_answers_are_waited_for_wherever_they_are_cut(pieces: list[bytes]) -> None:
    line: Any = Line(*pieces)

    hyperloglog._read(line, 3)

    assert line.pieces == [b""]


def test_an_answer_that_is_an_error_is_raised_when_all_are_there() -> None:
    line: Any = Line(b":1\r\n-MOVED 7 host:1", b"23\r\n:1\r\n")

    with pytest.raises(ResponseError, match=r"^MOVED 7 host:123$"):
        hyperloglog._read(line, 3)

    assert line.pieces == [b""]


def test_a_connection_that_ends_too_early_is_gone() -> None:
    line: Any = Line(b":1\r\n")

    with pytest.raises(ConnectionError):
        hyperloglog._read(line, 2)
