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
    Slots = Mapping[int, Sequence[Any]]

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


class _Key:
    """A key that was added to lately, as the protocol wants its name."""

    __slots__ = ("name", "node", "told")

    def __init__(self, name: bytes, node: Any) -> None:
        self.name = b"$%d\r\n%b" % (len(name), name)
        self.node = node
        self.told: object = None
        """The `_Parcel.way` by which its life was prolonged."""


class _Parcel:
    """What a node is sent, over one of its connections."""

    __slots__ = ("commands", "connection", "pool", "way")

    def __init__(self, cluster: RedisCluster, node: Any, ways: dict[socket.socket, object]) -> None:
        self.commands: list[bytes] = []
        self.pool = cluster.get_redis_connection(node).connection_pool
        self.connection: Any = self.pool.get_connection()
        self.way = ways.setdefault(self.socket, object())

    @property
    def socket(self) -> socket.socket:
        line: socket.socket = self.connection._sock
        return line


class Adder:
    """Adds to the keys of one cluster, and knows whose life it has prolonged lately.

    A node that has begun anew, or another one in its place, is behind another socket, and is told
    of every key again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._keys: dict[str, _Key] = {}
        self._slots: Slots | None = None
        """Of which each `_Key.node` is."""
        self._ways: dict[socket.socket, object] = {}
        self._prolongs_at = float("-inf")

    def add(self, cluster: RedisCluster, audiences: Audiences) -> None:
        """Add members of 8 bytes to each key. A key lives for two hours after its last member, or
        half a minute less.

        Keys hold no hash tag and every command has one key. Safe to repeat.
        """
        from redis.exceptions import ResponseError

        try:
            self._add_packed(cluster, audiences)
        except (ResponseError, LookupError):
            _add_by_pipeline(cluster, audiences)

    def _add_packed(self, cluster: RedisCluster, audiences: Audiences) -> None:
        now = self._clock()
        all_over = now >= self._prolongs_at
        if all_over:
            self._ways = {}
        # By identity: redis-py hashes a node's name anew each time.
        parcels: dict[int, _Parcel] = {}
        try:
            self._look_up(cluster.nodes_manager.slots_cache)
            fresh = self._pack(parcels, cluster, audiences)
            if all_over:
                self._pack_others(parcels, cluster, audiences)
            # All nodes work at the same time: first send to each, then wait for each.
            for parcel in parcels.values():
                parcel.connection.send_packed_command([b"".join(parcel.commands)])
            for parcel in parcels.values():
                _read(parcel.socket, len(parcel.commands))
        except BaseException:
            self._slots, self._ways = None, {}
            for parcel in parcels.values():
                parcel.connection.disconnect()  # answers may be left in it
            raise
        finally:
            for parcel in parcels.values():
                parcel.pool.release(parcel.connection)
        self._keys |= fresh
        if all_over:
            self._keys = {name: self._keys[name] for name in audiences}
            self._prolongs_at = now + PROLONG_SECONDS

    def _look_up(self, slots: Slots) -> None:
        """Keys outlive a map of slots, and a client."""
        if slots is not self._slots:
            for name, key in self._keys.items():
                key.node = _node(slots, name.encode())
            self._slots = slots

    def _pack(
        self, parcels: dict[int, _Parcel], cluster: RedisCluster, audiences: Audiences
    ) -> dict[str, _Key]:
        """Returns the keys that were not known."""
        slots, known, fresh = cluster.nodes_manager.slots_cache, self._keys, {}
        for name, members in audiences.items():
            key = known.get(name)
            if key is None:
                encoded = name.encode()
                key = fresh[name] = _Key(encoded, _node(slots, encoded))
            node = key.node
            parcel = parcels.get(id(node))
            if parcel is None:
                parcel = parcels[id(node)] = _Parcel(cluster, node, self._ways)
            parcel.commands.append(_pfadd(key.name, members))
            if key.told is not parcel.way:
                parcel.commands.append(_EXPIRE + key.name + _TTL)
                key.told = parcel.way
        return fresh

    def _pack_others(
        self, parcels: dict[int, _Parcel], cluster: RedisCluster, audiences: Audiences
    ) -> None:
        """Prolong the lives of keys that are added to no more, too: one that was evicted after its
        life was prolonged may have come back without an end."""
        for name, key in self._keys.items():
            if name not in audiences:
                node = key.node
                if id(node) not in parcels:
                    parcels[id(node)] = _Parcel(cluster, node, self._ways)
                parcels[id(node)].commands.append(_EXPIRE + key.name + _TTL)


def _node(slots: Slots, name: bytes) -> Any:
    """The primary that serves a key. Raises: `LookupError` when nobody does."""
    return slots[crc_hqx(name, 0) % _SLOTS][0]


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
