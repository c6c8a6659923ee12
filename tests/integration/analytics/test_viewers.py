"""Live viewers on a real cluster of three primaries."""

from __future__ import annotations

import json
import os
import random
import signal
import time
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import RedisClusterException

from analytics import hyperloglog
from tests.integration.tap import Tap
from tests.playback import batch, events, expected_rows, packed, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis.cluster import RedisCluster

    from tests import playback
    from tests.integration.analytics.conftest import Cloud, Consumer, Table
    from tests.integration.conftest import Login, Servers

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture
def clean(redis_ops: RedisCluster) -> None:
    for key in list(redis_ops.scan_iter("live:*")):
        redis_ops.delete(key)


def keys_of(items: list[playback.Event]) -> dict[str, set[str]]:
    watching: dict[str, set[str]] = defaultdict(set)
    for item in items:
        minute = f"live:{item['ts'][:16]}Z"
        for key in ("", f":{item['title_id']}", f":c:{item['country']}", f":d:{item['device']}"):
            watching[minute + key].add(item["account_id"])
    return watching


def test_viewers_are_counted_by_minute_title_country_and_device(
    consumer: Consumer, redis_ops: RedisCluster
) -> None:
    # Always the same people: an estimate of 22 is 20 once in 10,000 keys, whoever makes it.
    chance = random.Random(1)
    people = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(800)]
    items = [item | {"account_id": chance.choice(people)} for item in events(3000)]

    consumer(batch(packed(items)))

    truth = keys_of(items)
    assert set(redis_ops.scan_iter("live:*")) == set(truth)
    counted = {key: redis_ops.pfcount(key) for key in truth}
    assert counted == {
        key: pytest.approx(len(accounts), rel=0.04, abs=1) for key, accounts in truth.items()
    }


def test_every_key_ends(consumer: Consumer, redis_ops: RedisCluster) -> None:
    consumer(batch(plain(events(200))))

    lives = [redis_ops.ttl(key) for key in redis_ops.scan_iter("live:*")]
    assert len(lives) > 20
    assert all(0 < seconds <= hyperloglog.LIVE_SECONDS for seconds in lives)


def test_a_key_that_was_evicted_and_came_back_ends_as_well(redis_ops: RedisCluster) -> None:
    now = 0.0
    adder = hyperloglog.Adder(clock=lambda: now)
    audiences = {f"live:evicted:{n}": [random.randbytes(8)] for n in range(20)}
    adder.add(redis_ops, audiences)
    for key in audiences:
        redis_ops.delete(key)

    adder.add(redis_ops, audiences)
    assert {redis_ops.ttl(key) for key in audiences} == {-1}
    now += hyperloglog.PROLONG_SECONDS
    adder.add(redis_ops, {f"live:other:{n}": [random.randbytes(8)] for n in range(20)})

    assert all(redis_ops.ttl(key) > 0 for key in audiences)


def test_a_node_that_was_away_is_told_how_long_keys_live(redis_ops: RedisCluster) -> None:
    """Its connections end, and it has forgotten everything."""
    adder = hyperloglog.Adder()
    audiences = {f"live:restarted:{n}": [random.randbytes(8)] for n in range(20)}
    adder.add(redis_ops, audiences)
    for key in audiences:
        redis_ops.delete(key)
    for node in redis_ops.get_primaries():
        redis_ops.get_redis_connection(node).connection_pool.disconnect()

    adder.add(redis_ops, audiences)

    assert all(redis_ops.ttl(key) > 0 for key in audiences)


def test_a_replay_leaves_the_counts_alone(consumer: Consumer, redis_ops: RedisCluster) -> None:
    one = batch(packed(events(500)))
    consumer(one)
    before = {key: redis_ops.pfcount(key) for key in redis_ops.scan_iter("live:*")}

    consumer.restart()
    consumer(one)

    assert {key: redis_ops.pfcount(key) for key in redis_ops.scan_iter("live:*")} == before


def test_the_packed_way_counts_like_redis_pys_own(redis_ops: RedisCluster) -> None:
    audiences = {
        f"live:{way}:{n}": [random.randbytes(8) for _ in range(n + 1)]
        for way in "ab"
        for n in range(300)
    }
    for n in range(300):
        audiences[f"live:b:{n}"] = audiences[f"live:a:{n}"]

    hyperloglog.Adder().add(redis_ops, {k: v for k, v in audiences.items() if ":a:" in k})
    hyperloglog._add_by_pipeline(redis_ops, {k: v for k, v in audiences.items() if ":b:" in k})

    for n in range(300):
        assert redis_ops.pfcount(f"live:a:{n}") == redis_ops.pfcount(f"live:b:{n}")
        assert redis_ops.ttl(f"live:a:{n}") > 0


def test_slots_that_moved_are_found_again(redis_ops: RedisCluster) -> None:
    """With a map that sends every slot to one node, the others answer MOVED."""
    slots = redis_ops.nodes_manager.slots_cache
    wrong = dict.fromkeys(slots, slots[0])
    right, redis_ops.nodes_manager.slots_cache = slots, wrong
    audiences = {f"live:moved:{n}": [random.randbytes(8)] for n in range(50)}
    try:
        hyperloglog.Adder().add(redis_ops, audiences)
    finally:
        redis_ops.nodes_manager.slots_cache = right

    assert sum(redis_ops.pfcount(key) for key in audiences) == 50


def test_a_slot_that_nobody_serves_is_an_error_of_the_cluster(redis_ops: RedisCluster) -> None:
    manager = redis_ops.nodes_manager
    right, manager.slots_cache = manager.slots_cache, {}
    try:
        with pytest.raises(RedisClusterException):
            hyperloglog.Adder().add(redis_ops, {"live:hole": [random.randbytes(8)]})
    finally:
        manager.slots_cache = right


@pytest.mark.parametrize("how", ["closed", "silent"])
def test_rollups_do_not_wait_for_redis(
    consumer: Consumer,
    table: Table,
    servers: Servers,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    items = events(100)
    with Tap(f"{servers.redis.host}:{servers.redis.port}") as tap:
        setattr(tap, how, True)
        monkeypatch.setenv("REDIS_PORT", tap.address.rpartition(":")[2])

        first = consumer(batch(plain(items[:50])))
        second = consumer(batch(plain(items[50:])))

    assert table.rows() == expected_rows(items)
    assert (first["ViewerBatchesMissed"], second["ViewerBatchesMissed"]) == (1, 1)


def test_after_a_rotation_the_new_password_is_read(
    consumer: Consumer,
    cloud: Cloud,
    redis_ops: RedisCluster,
    servers: Servers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The login that was cached is refused; the secret holds a better one by now."""
    from tests.integration.conftest import Login

    right: Login = servers.redis.ops
    arn = cloud.create_secret("redis-rotated", Login(right.username, "yesterday"))
    monkeypatch.setenv("REDIS_SECRET_ARN", arn)
    assert consumer(batch(plain(events(5))))["ViewerBatchesMissed"] == 1

    consumer.restart()
    cloud.promote(arn, Login(right.username, "yesterday"))
    cloud.propose(arn, right)

    assert consumer(batch(plain(events(5))))["ViewerBatchesMissed"] == 0
    assert list(redis_ops.scan_iter("live:*"))


@pytest.fixture
def stop_nodes(servers: Servers) -> Iterator[Callable[[int], None]]:
    """Nodes that accept and never answer, as a host that hangs does."""
    stopped: list[int] = []

    def stop(count: int) -> None:
        processes = json.loads((servers.ca.parents[1] / "processes.json").read_text())
        for pid in [processes[f"valkey-{n + 1}"]["pid"] for n in range(count)]:
            stopped.append(pid)
            os.kill(pid, signal.SIGSTOP)

    yield stop
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("nodes", [1, 3])
def test_rollups_wait_for_nodes_that_fell_silent_a_few_seconds_at_most(
    consumer: Consumer, table: Table, stop_nodes: Callable[[int], None], nodes: int
) -> None:
    items = events(300)
    assert consumer(batch(plain(items[:100])))["ViewerBatchesMissed"] == 0
    stop_nodes(nodes)

    started = time.monotonic()
    missed = [
        consumer(batch(plain(part)))["ViewerBatchesMissed"]
        for part in (items[100:200], items[200:])
    ]

    assert time.monotonic() - started < 3.5
    assert missed == [1, 1]
    assert table.rows() == expected_rows(items)
