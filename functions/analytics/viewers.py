"""Live viewers: HyperLogLogs per minute, and per minute and title, country or device.

A HyperLogLog keeps no identity and counts everybody once, so adding is safe to repeat: it happens
before the database commits and needs no watermark.
"""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from analytics import fingerprint, hyperloglog
from analytics.rollup import MINUTE_CHARS
from streamflix import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from analytics import ingest
    from analytics.decode import Event
    from streamflix.redis import Redis

# After Redis failed it is left alone for a while: rollups must not wait for its timeouts.
REST_SECONDS = 10.0

logger = log.get("analytics")


class _Minute(NamedTuple):
    viewers: set[bytes]
    titles: dict[str, set[bytes]]
    countries: dict[str, set[bytes]]
    devices: dict[str, set[bytes]]


def audiences(events: Iterable[Event]) -> Iterator[tuple[str, set[bytes]]]:
    """Keys of HyperLogLogs, and who is to be added to each.

    Members are fingerprints of accounts, never the ids: Redis keeps a log of slow commands.
    """
    minutes: dict[str, _Minute] = {}
    for event in events:
        start = event.ts[:MINUTE_CHARS]
        minute = minutes.get(start)
        if minute is None:
            minute = minutes[start] = _Minute(
                set(), defaultdict(set), defaultdict(set), defaultdict(set)
            )
        viewer = fingerprint.of(event.account_id).to_bytes(8, "little")
        minute[0].add(viewer)
        minute[1][event.title_id].add(viewer)
        minute[2][event.country].add(viewer)
        minute[3][event.device].add(viewer)
    for start, minute in minutes.items():
        yield from _keys(f"live:{start}Z", minute)


def _keys(key: str, minute: _Minute) -> Iterator[tuple[str, set[bytes]]]:
    yield key, minute.viewers
    for prefix, group in (("", minute.titles), ("c:", minute.countries), ("d:", minute.devices)):
        for name, viewers in group.items():
            yield f"{key}:{prefix}{name}", viewers


class Viewers:
    """The counts in Redis. While it is down they are too low, and nothing waits for them."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._clock = clock
        self._rests_until = float("-inf")

    def add(self, events: Iterable[Event]) -> bool:
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

    def add(self, events: Iterable[Event]) -> bool:
        """As `Viewers.add`, of the events of these minutes."""
        oldest = datetime.fromtimestamp(self._clock() - hyperloglog.LIVE_SECONDS, UTC)
        minute = oldest.isoformat()[:MINUTE_CHARS]
        return self._viewers.add(event for event in events if event.ts[:MINUTE_CHARS] >= minute)
