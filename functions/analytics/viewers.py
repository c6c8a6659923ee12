"""Live viewers: HyperLogLogs per minute, and per minute and title, country or device.

A HyperLogLog keeps no identity and counts everybody once, so adding is safe to repeat: it happens
before the database commits and needs no watermark.
"""

from __future__ import annotations

import struct
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from analytics import fingerprint, hyperloglog
from analytics.rollup import MINUTE_CHARS, by_minute
from streamflix import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from analytics import ingest
    from analytics.decode import Event
    from streamflix.redis import Redis

# After Redis failed it is left alone for a while: rollups must not wait for its timeouts.
REST_SECONDS = 10.0

logger = log.get("analytics")


def audiences(events: Sequence[Event]) -> Iterator[tuple[str, Sequence[bytes]]]:
    """Keys of HyperLogLogs, and who is to be added to each; who comes twice may be in it twice.

    Members are fingerprints of accounts, never the ids: Redis keeps a log of slow commands.
    """
    for minute, present in by_minute(events).items():
        marks = fingerprint.of([event.account_id for event in present])
        members = struct.unpack(f"{fingerprint.BYTES}s" * len(present), marks)
        key = f"live:{minute}Z"
        yield key, members
        for start, column in (
            (f"{key}:", [event.title_id for event in present]),
            (f"{key}:c:", [event.country for event in present]),
            (f"{key}:d:", [event.device for event in present]),
        ):
            for name, viewers in _grouped(column, members).items():
                yield start + name, viewers


def _grouped(names: Iterable[str], members: Iterable[bytes]) -> dict[str, list[bytes]]:
    groups: dict[str, list[bytes]] = defaultdict(list)
    for name, member in zip(names, members, strict=True):
        groups[name].append(member)
    return groups


class Viewers:
    """The counts in Redis. While it is down they are too low, and nothing waits for them."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._clock = clock
        self._rests_until = float("-inf")

    def add(self, events: Sequence[Event]) -> bool:
        """Returns whether the viewers of these events are counted."""
        if self._clock() < self._rests_until:
            return False
        watching = dict(audiences(events))
        if not watching:
            return True
        try:
            self._redis.run(lambda cluster: hyperloglog.add(cluster, watching))
        except Exception as error:  # noqa: BLE001  whatever it is, rollups matter more
            self._rests_until = self._clock() + REST_SECONDS
            logger.warning(
                "live viewers are not counted",
                extra={"error": type(error).__name__, "reason": str(error)},
            )
            return False
        return True


class RecentViewers:
    """The counts of minutes that Redis still keeps.

    A replay meets older ones: their keys have expired, and must not come back half full.
    """

    def __init__(self, viewers: ingest.Viewers, clock: Callable[[], float] = time.time) -> None:
        self._viewers = viewers
        self._clock = clock

    def add(self, events: Sequence[Event]) -> bool:
        """As `Viewers.add`, of the events of these minutes."""
        oldest = datetime.fromtimestamp(self._clock() - hyperloglog.LIVE_SECONDS, UTC)
        minute = oldest.isoformat()[:MINUTE_CHARS]
        return self._viewers.add([it for it in events if it.ts[:MINUTE_CHARS] >= minute])
