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
from analytics.decode import MINUTE_CHARS
from streamflix import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from analytics import ingest
    from analytics.decode import Minutes
    from streamflix.redis import Redis

# After Redis failed it is left alone for a while: rollups must not wait for its timeouts.
REST_SECONDS = 10.0

logger = log.get("analytics")


def audiences(minutes: Minutes, accounts: bytes = b"") -> Iterator[tuple[str, Sequence[bytes]]]:
    """Keys of HyperLogLogs, and who is to be added to each; who comes twice may be in it twice.

    Members are fingerprints of accounts, never the ids: Redis keeps a log of slow commands. Those
    of a single minute may be given.
    """
    for minute, present in minutes.items():
        marks = accounts or fingerprint.of([event.account_id for event in present])
        members = struct.unpack(f"{fingerprint.BYTES}s" * len(present), marks)
        titles: dict[str, list[bytes]] = defaultdict(list)
        countries: dict[str, list[bytes]] = defaultdict(list)
        devices: dict[str, list[bytes]] = defaultdict(list)
        for event, member in zip(present, members, strict=True):
            titles[event.title_id].append(member)
            countries[event.country].append(member)
            devices[event.device].append(member)
        key = f"live:{minute}Z"
        yield key, members
        for start, groups in (
            (f"{key}:", titles),
            (f"{key}:c:", countries),
            (f"{key}:d:", devices),
        ):
            for name, viewers in groups.items():
                yield start + name, viewers


class Viewers:
    """The counts in Redis. While it is down they are too low, and nothing waits for them."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._clock = clock
        self._counts = hyperloglog.Adder(clock)
        self._rests_until = float("-inf")

    def add(self, minutes: Minutes, accounts: bytes = b"") -> bool:
        """Returns whether the viewers of these events are counted. `accounts`: as in `Decoded`."""
        if self._clock() < self._rests_until:
            return False
        watching = dict(audiences(minutes, accounts))
        if not watching:
            return True
        try:
            self._redis.run(lambda cluster: self._counts.add(cluster, watching))
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

    def add(self, minutes: Minutes, accounts: bytes = b"") -> bool:
        """As `Viewers.add`, of the events of these minutes."""
        oldest = datetime.fromtimestamp(self._clock() - hyperloglog.LIVE_SECONDS, UTC)
        first = oldest.isoformat()[:MINUTE_CHARS]
        recent = {at: some for at, some in minutes.items() if at >= first}
        return self._viewers.add(recent, accounts if recent else b"")
