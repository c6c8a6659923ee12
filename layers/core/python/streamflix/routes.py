"""Which key an event gets, and in which lane it waits: by its title, a salt, and the shards."""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64encode
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from streamflix.shards import Shards

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamflix.lane import Lane
    from streamflix.shards import KinesisClient

KEPT: Final = 65_536

Route = tuple[str, "Lane"]


class Routes:
    """The lanes of a stream's open shards, and the ways of titles to them."""

    def __init__(
        self,
        client: KinesisClient,
        stream: str,
        salts: int | Callable[[str], int],
        lane: Callable[[str], Lane],
    ) -> None:
        """Shards are asked for at the first event. `lane` makes the lane of a shard."""
        self.lanes: list[Lane] = []
        self._client, self._stream = client, stream
        self._salts, self._lane = salts, lane
        self._shards: Shards | None = None
        self._known: dict[tuple[str, int], Route] = {}

    def of(self, title: str, salted_by: bytes) -> Route:
        """An event's partition key and its lane. The same in every process, as long as the shards
        and the number of salts are. Raises: `ShardsUnknown`."""
        salts = self._salts(title) if callable(self._salts) else self._salts
        way = (title, zlib.crc32(salted_by) % salts)
        return self._known.get(way) or self._find(*way)

    def relist(self) -> Shards:
        """Ask for the shards again. What waits for one that is closed moves on to those that took
        over its keys. Raises: `ShardsUnknown`, and nothing changes.

        A shard's range never changes, so the lanes of shards that are still open stay as they are,
        and an event can only move to a lane that is new.
        """
        shards = Shards.of(self._client, self._stream)
        before = {lane.shard: lane for lane in self.lanes}
        lanes = [before.pop(name) if name in before else self._lane(name) for name in shards.names]
        for closed in before.values():
            for since, key, payload in closed.events():
                lanes[shards.place(key)].add(key, payload, since)
        self._shards, self.lanes = shards, lanes
        self._known.clear()
        return shards

    def _find(self, title: str, salt: int) -> Route:
        shards = self._shards or self.relist()
        # Short, because each aggregate carries it. Two titles that share it share their shards.
        name = urlsafe_b64encode(blake2b(title.encode(), digest_size=3).digest()).decode()
        key = f"{name}#{salt:x}"
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[title, salt] = route = key, self.lanes[shards.place(key)]
        return route
