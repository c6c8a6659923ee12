"""Lambda calls this with batches of the playback stream, one shard at a time."""

from __future__ import annotations

import gc
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from analytics.envelope import Batch
from analytics.ingest import Doors, ingest
from analytics.rejects import RejectsQueue
from analytics.settings import Settings
from analytics.store import STAGING, Store
from analytics.viewers import Viewers
from streamflix import fence, log, metrics, settings
from streamflix.addresses import AddressBook
from streamflix.ca import CA_FILE
from streamflix.deadline import Deadline
from streamflix.postgres import Postgres
from streamflix.redis import Redis
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from streamflix.deadline import Context

GC_THRESHOLD = 200_000

logger = log.get("analytics")


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> None:
    """Count one batch.

    Event: ``{"Records": [{"eventID": "shard:sequence", "eventSourceARN": arn, "kinesis": {…}}]}``.
    Raises: `Retryable` (infrastructure; Lambda delivers the batch again), `MalformedInvocation`.
    Safe to repeat, whole or in parts: what is below the shard's watermark changes nothing.
    """
    batch = Batch.from_event(event)
    env = settings.cached(Settings)
    outcome = ingest(batch, doors(env), Deadline.of(context))
    metrics.publish(env.environment, outcome.metrics())


@cache
def doors(env: Settings, ca_file: Path = CA_FILE) -> Doors:
    """The process's doors: opened at first use, kept until Lambda takes the process away."""
    # A batch makes some 60,000 objects and no cycles: looking for cycles among them again and
    # again costs a fifth of the CPU.
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    book = AddressBook(env.address_book)
    postgres = Postgres(
        book,
        "writer",
        Secret(env.database_secret_arn),
        application_name="streamflix-analytics-consume",
        prepare=STAGING,
        ca_file=ca_file,
    )
    redis = Redis(env.redis_host, env.redis_port, Secret(env.redis_secret_arn), ca_file=ca_file)
    tombstones = fence.Tombstones(partial(fence.unwrap, environment=env.environment))
    return Doors(
        Store(book, postgres, tombstones), Viewers(redis), RejectsQueue(env.rejects_queue_url)
    )
