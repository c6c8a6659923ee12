"""The consumer as it is deployed, without Lambda and without metrics."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.analytics.sample import Place


class Ours:
    """Tombstones, duplicates, watch history, viewers and the watermark are all on."""

    def __init__(self, place: Place) -> None:
        from functools import partial

        from analytics import deltas
        from analytics.archive import Archive
        from analytics.envelope import Batch
        from analytics.ingest import Doors, ingest
        from analytics.store import STAGING, Store
        from analytics.viewers import Viewers
        from streamflix import fence
        from streamflix.deadline import Deadline
        from streamflix.postgres import Postgres
        from streamflix.redis import Redis
        from streamflix.secrets import Secret

        gc.freeze()  # as analytics.opening does
        postgres = Postgres(
            place.book,
            "writer",
            Secret("analytics", client=place.secrets("analytics")),
            application_name="bench",
            prepare=STAGING,
            ca_file=place.ca,
        )
        redis = Redis(
            place.redis_host,
            place.redis_port,
            Secret("redis", client=place.secrets("redis")),
            ca_file=place.ca,
        )
        tombstones = fence.Tombstones(lambda _: place.key)
        self.store = Store(place.book, postgres, tombstones)
        doors = Doors(self.store, Viewers(redis), _Refusing(), time.time)
        self._ingest = partial(ingest, doors=doors)
        self._parse, self._deadline = Batch.from_event, Deadline
        self._archive, self._tables = Archive(place.book, postgres), deltas.TABLES
        self.missed = 0

    def handle(self, event: Mapping[str, Any]) -> None:
        deadline = self._deadline(time.monotonic() + 60, 60)
        outcome = self._ingest(self._parse(event), deadline=deadline)
        self.missed += outcome.viewers_missed

    def finish(self) -> None:
        """What another function does once a minute: of its CPU only the database's counts."""
        for table in range(self._tables):
            while self._archive.merge(table):
                pass


class _Refusing:
    """Nothing here is to be rejected."""

    def send(self, shard: object, pointers: object) -> None:
        raise AssertionError(f"{shard}: {pointers}")
