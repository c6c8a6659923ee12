"""Who watched what, without saying who; and what happens while Redis is away."""

from __future__ import annotations

import re
from binascii import crc_hqx
from collections import defaultdict
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from redis.exceptions import ConnectionError, MovedError, ResponseError, TimeoutError  # noqa: A004

from analytics import hyperloglog
from analytics.decode import decode
from analytics.envelope import Batch
from analytics.viewers import REST_SECONDS, RecentViewers, Viewers, audiences
from streamflix.errors import RedisUnreachable, SecretMalformed
from tests import playback


def decoded(items: list[playback.Event]) -> Any:
    return decode(Batch.from_event(playback.batch(playback.plain(items))).records).minutes


def test_every_account_is_a_viewer_of_four_keys() -> None:
    items = playback.events(500)
    items += [playback.event(account_id=items[0]["account_id"]) for _ in range(5)]
    truth: dict[str, set[str]] = defaultdict(set)
    for item in items:
        minute = f"live:{item['ts'][:16]}Z"
        for key in ("", f":{item['title_id']}", f":c:{item['country']}", f":d:{item['device']}"):
            truth[minute + key].add(item["account_id"])

    found = dict(audiences(decoded(items)))

    assert {key: len(set(members)) for key, members in found.items()} == {
        key: len(members) for key, members in truth.items()
    }


def test_a_member_is_eight_bytes_and_not_the_account() -> None:
    item = playback.event()
    members = set().union(*dict(audiences(decoded([item]))).values())

    assert len(members) == 1
    [member] = members
    assert len(member) == hyperloglog.MEMBER_BYTES
    account = item["account_id"].replace("-", "")
    assert member.hex() not in account
    assert member[::-1].hex() not in account


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


class Redis:
    """Fails as told; counts how often it was asked."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.asked = 0

    def run(self, act: Any) -> None:
        self.asked += 1
        if self.trouble:
            raise self.trouble


@pytest.mark.parametrize(
    "trouble", [RedisUnreachable("away"), SecretMalformed("no JSON"), IndexError("a fault of ours")]
)
def test_redis_in_trouble_is_left_alone_for_a_while(trouble: Exception) -> None:
    now = 100.0
    redis: Any = Redis(trouble)
    viewers = Viewers(redis, clock=lambda: now)
    minutes = decoded(playback.events(3))

    assert not viewers.add(minutes)
    now += REST_SECONDS - 1
    assert not viewers.add(minutes)
    assert redis.asked == 1

    redis.trouble, now = None, now + 1
    assert viewers.add(minutes)
    assert redis.asked == 2


def test_without_events_redis_is_not_asked() -> None:
    redis: Any = Redis()
    assert Viewers(redis).add({})
    assert redis.asked == 0


def test_minutes_are_those_of_the_events_and_not_of_their_arrival() -> None:
    late = playback.event(at=playback.NOON - timedelta(minutes=20))

    assert "live:2025-11-23T11:40Z" in dict(audiences(decoded([late])))


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


class Kept:
    """The events that were to be added."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def add(self, minutes: Any, accounts: bytes = b"") -> bool:
        self.accounts = accounts
        for some in minutes.values():
            self.events += some
        return True


def test_a_replay_adds_no_viewers_to_minutes_whose_keys_have_expired() -> None:
    """At 14:00:30, two hours after the minute of noon began."""
    moments = [playback.NOON + timedelta(minutes=minutes) for minutes in (-60, -1, 0, 1)]
    kept, now = Kept(), playback.NOON + timedelta(hours=2)

    assert RecentViewers(kept, now.timestamp).add(
        decoded([playback.event(at=moment) for moment in moments])
    )

    assert [event.ts[:16] for event in kept.events] == ["2025-11-23T12:00", "2025-11-23T12:01"]


def test_accounts_that_are_known_by_now_are_those_of_the_minute() -> None:
    items = [playback.event(at=playback.NOON) for _ in range(50)]
    batch = decode(Batch.from_event(playback.batch(playback.plain(items))).records)
    assert len(batch.minutes) == 1
    assert batch.accounts
    assert dict(audiences(batch.minutes, batch.accounts)) == dict(audiences(batch.minutes))

    for moment, given in ((playback.NOON, batch.accounts), (playback.NOON + timedelta(1), b"")):
        kept = Kept()
        RecentViewers(kept, moment.timestamp).add(batch.minutes, batch.accounts)
        assert kept.accounts == given


def test_accounts_of_several_minutes_are_not_known() -> None:
    items = [playback.event(at=playback.NOON + timedelta(minutes=n % 3)) for n in range(9)]

    assert not decode(Batch.from_event(playback.batch(playback.plain(items))).records).accounts


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
