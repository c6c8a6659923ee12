"""Thousands of small HyperLogLogs of a cluster, added to in one round trip per node.

redis-py's pipeline spends 18 µs of CPU per event on them, more than everything else together. The
commands are therefore packed here and sent over redis-py's own connections, in 2 µs. When they
went the wrong way (a slot that moved), redis-py's pipeline does it again and learns the right one.
A node that does not answer is not asked a second time: rollups wait for this.
"""

from __future__ import annotations

import time
from binascii import crc_hqx
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection, Mapping, Sequence

    from redis.cluster import RedisCluster

    Audiences = Mapping[str, Collection[bytes]]

LIVE_SECONDS = 2 * 3600
# A key's life is prolonged once in so long, not with each batch: half the commands were that.
PROLONG_SECONDS = 30
MEMBER_BYTES = 8
READ_BYTES = 1 << 16

_SLOTS = 16_384
_TTL = b"\r\n$%d\r\n%d\r\n" % (len(str(LIVE_SECONDS)), LIVE_SECONDS)
_BETWEEN = b"\r\n$%d\r\n" % MEMBER_BYTES
_END = b"\r\n"
_EXPIRE = b"*3\r\n$6\r\nEXPIRE\r\n"
# Most keys get few members: a format of bytes takes longer than everything else about them.
_PFADD = [b"*%d\r\n$5\r\nPFADD\r\n" % (2 + members) for members in range(256)]


class Adder:
    """Adds to the keys of one cluster, and knows whose life it has prolonged lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Of keys whose life was prolonged lately: the node, and the name as the protocol wants it.
        self._prolonged: dict[str, tuple[Any, bytes]] = {}
        self._prolongs_at = float("-inf")
        self._sockets: set[socket.socket] = set()

    def add(self, cluster: RedisCluster, audiences: Audiences) -> None:
        """Add members of 8 bytes to each key. A key lives for two hours after its last member, or
        half a minute less.

        Keys hold no hash tag and every command has one key. Safe to repeat.
        """
        from redis.exceptions import ResponseError

        try:
            self._add_packed(cluster, audiences)
        except (ResponseError, LookupError):
            self._prolonged = {}
            _add_by_pipeline(cluster, audiences)
        except BaseException:
            self._prolonged = {}
            raise

    def _add_packed(self, cluster: RedisCluster, audiences: Audiences) -> None:
        slots = cluster.nodes_manager.slots_cache
        parcels = self._packed(slots, audiences)
        waiting: list[tuple[Any, Any]] = []
        try:
            for node, _ in parcels:
                pool = cluster.get_redis_connection(node).connection_pool
                waiting.append((pool, pool.get_connection()))
            sockets = {connection._sock for _, connection in waiting}
            if not sockets <= self._sockets:
                # A node that has begun anew, or another in its place, knows none of the keys.
                self._sockets = sockets
                self._prolonged = {}
                parcels = self._packed(slots, audiences)
            # All nodes work at the same time: first send to each, then wait for each.
            for (_, connection), (_, commands) in zip(waiting, parcels, strict=True):
                connection.send_packed_command([b"".join(commands)])
            for (_, connection), (_, commands) in zip(waiting, parcels, strict=True):
                _read(connection._sock, len(commands))
        except BaseException:
            for _, connection in waiting:
                connection.disconnect()  # answers may be left in it
            raise
        finally:
            for pool, connection in waiting:
                pool.release(connection)

    def _packed(
        self, slots: Mapping[int, Sequence[Any]], audiences: Audiences
    ) -> Sequence[tuple[Any, list[bytes]]]:
        """Each node with its commands, as if they were sent already."""
        ending = self._ending()
        known = self._prolonged
        # By identity: redis-py hashes a node's name anew each time.
        parcels: dict[int, tuple[Any, list[bytes]]] = {}
        for key, members in audiences.items():
            home = known.get(key)
            if home is None:
                name = key.encode()
                node = slots[crc_hqx(name, 0) % _SLOTS][0]
                home = known[key] = ending[key] = node, b"$%d\r\n%b" % (len(name), name)
            node, name = home
            parcel = parcels.get(id(node))
            if parcel is None:
                parcel = parcels[id(node)] = node, []
            parcel[1].append(_pfadd(name, members))
        for node, name in ending.values():
            parcels.setdefault(id(node), (node, []))[1].append(_EXPIRE + name + _TTL)
        return list(parcels.values())

    def _ending(self) -> dict[str, tuple[Any, bytes]]:
        """Every half minute all that were added to since the last time: one that was evicted and
        came back has no end."""
        if self._clock() < self._prolongs_at:
            return {}
        ending, self._prolonged = self._prolonged, {}
        self._prolongs_at = self._clock() + PROLONG_SECONDS
        return ending


def _add_by_pipeline(cluster: RedisCluster, audiences: Audiences) -> None:
    pipeline: Any = cluster.pipeline()  # type: ignore[no-untyped-call]
    for key, members in audiences.items():
        pipeline.pfadd(key, *members)
        pipeline.expire(key, LIVE_SECONDS)
    pipeline.execute()


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


def _pfadd(name: bytes, members: Collection[bytes]) -> bytes:
    """``PFADD name member…`` in Redis' protocol."""
    count = len(members)
    head = _PFADD[count] if count < len(_PFADD) else b"*%d\r\n$5\r\nPFADD\r\n" % (2 + count)
    return b"".join((head, name, _BETWEEN, _BETWEEN.join(members), _END))
