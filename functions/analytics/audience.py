"""How many people watched: HyperLogLogs of a cluster, read in one round trip per node."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from streamflix import log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from redis.cluster import RedisCluster

    from streamflix.redis import Redis

# After Redis failed it is left alone for a while: an answer must not wait for its timeouts.
REST_SECONDS = 10.0

logger = log.get("analytics")


class Audience:
    """The counts in Redis, as estimates: 0.8 % off as a rule."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._clock = clock
        self._rests_until = float("-inf")

    def count(self, keys: Sequence[str]) -> Mapping[str, int] | None:
        """The number behind each key, 0 for one that is not there; None while Redis is away."""
        if self._clock() < self._rests_until:
            return None
        try:
            counts = self._redis.run(lambda cluster: _count(cluster, keys))
        except Exception as error:  # noqa: BLE001  whatever it is, the rest can be answered
            self._rests_until = self._clock() + REST_SECONDS
            logger.warning(
                "viewers are unknown", extra={"error": type(error).__name__, "reason": str(error)}
            )
            return None
        return dict(zip(keys, counts, strict=True))


def _count(cluster: RedisCluster, keys: Sequence[str]) -> list[int]:
    # Over several keys PFCOUNT would count their union, and on a cluster not at all. redis-py
    # keeps the command out of pipelines for that; with one key each it is at home there.
    pipeline: Any = cluster.pipeline()  # type: ignore[no-untyped-call]
    for key in keys:
        pipeline.execute_command("PFCOUNT", key)
    return [int(count) for count in pipeline.execute()]
