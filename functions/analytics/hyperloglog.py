"""Thousands of small HyperLogLogs of a cluster, added to in one round trip per node.

redis-py's pipeline spends 18 µs of CPU per event on them, more than everything else together. The
commands are therefore packed here and sent over redis-py's own connections, in 2 µs. When they
went the wrong way (a slot that moved), redis-py's pipeline does it again and learns the right one.
A node that does not answer is not asked a second time: rollups wait for this.
"""

from __future__ import annotations

from binascii import crc_hqx
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection, Mapping

    from redis.cluster import RedisCluster

    Audiences = Mapping[str, Collection[bytes]]

LIVE_SECONDS = 2 * 3600
MEMBER_BYTES = 8
READ_BYTES = 1 << 16

_SLOTS = 16_384
_TTL = b"\r\n$%d\r\n%d\r\n" % (len(str(LIVE_SECONDS)), LIVE_SECONDS)
_BETWEEN = b"\r\n$%d\r\n" % MEMBER_BYTES
_EXPIRE = b"\r\n*3\r\n$6\r\nEXPIRE\r\n"
# Most keys get few members: a format of bytes takes longer than everything else about them.
_PFADD = [b"*%d\r\n$5\r\nPFADD\r\n" % (2 + members) for members in range(256)]


def add(cluster: RedisCluster, audiences: Audiences) -> None:
    """Add members of 8 bytes to each key. A key lives for two hours after its last member.

    Keys hold no hash tag and every command has one key. Safe to repeat.
    """
    from redis.exceptions import ResponseError

    try:
        _add_packed(cluster, audiences)
    except (ResponseError, LookupError):
        _add_by_pipeline(cluster, audiences)


def _add_by_pipeline(cluster: RedisCluster, audiences: Audiences) -> None:
    pipeline: Any = cluster.pipeline()  # type: ignore[no-untyped-call]
    for key, members in audiences.items():
        pipeline.pfadd(key, *members)
        pipeline.expire(key, LIVE_SECONDS)
    pipeline.execute()


def _add_packed(cluster: RedisCluster, audiences: Audiences) -> None:
    # All nodes work at the same time: first send to each, then wait for each.
    waiting: list[tuple[Any, Any, int]] = []
    try:
        for node, commands in _by_node(cluster, audiences):
            pool = cluster.get_redis_connection(node).connection_pool
            connection: Any = pool.get_connection()
            waiting.append((pool, connection, 2 * len(commands)))
            connection.send_packed_command([b"".join(commands)])
        for _, connection, answers in waiting:
            _read(connection._sock, answers)
    except BaseException:
        for _, connection, _ in waiting:
            connection.disconnect()  # answers may be left in it
        raise
    finally:
        for pool, connection, _ in waiting:
            pool.release(connection)


def _read(socket: socket.socket, answers: int) -> None:
    """Each answer is a line, and nobody looks at it unless it is an error: redis-py would take as
    long to make numbers of them as everything else here takes.

    Raises: `ResponseError`, `ConnectionError`, `TimeoutError`.
    """
    from redis.exceptions import ConnectionError, ResponseError  # noqa: A004

    told, missing = [], answers
    while missing > 0:
        told.append(socket.recv(READ_BYTES))
        if not told[-1]:
            raise ConnectionError("closed before all was answered")
        missing -= told[-1].count(b"\n")
    lines = b"".join(told)
    if b"-" in lines:
        at = lines.index(b"-")
        raise ResponseError(lines[at + 1 : lines.index(b"\r", at)].decode(errors="replace"))


def _by_node(cluster: RedisCluster, audiences: Audiences) -> Collection[tuple[Any, list[bytes]]]:
    slots = cluster.nodes_manager.slots_cache
    # By identity: redis-py hashes a node's name anew each time.
    found: dict[int, tuple[Any, list[bytes]]] = {}
    for key, members in audiences.items():
        name = key.encode()
        primary = slots[crc_hqx(name, 0) % _SLOTS][0]
        known = found.get(id(primary))
        if known is None:
            known = found[id(primary)] = (primary, [])
        known[1].append(_pack(name, members))
    return found.values()


def _pack(name: bytes, members: Collection[bytes]) -> bytes:
    """``PFADD name member…`` and ``EXPIRE name seconds`` in Redis' protocol."""
    count = len(members)
    head = _PFADD[count] if count < len(_PFADD) else b"*%d\r\n$5\r\nPFADD\r\n" % (2 + count)
    key = b"$%d\r\n%b" % (len(name), name)
    return b"".join((head, key, _BETWEEN, _BETWEEN.join(members), _EXPIRE, key, _TTL))
