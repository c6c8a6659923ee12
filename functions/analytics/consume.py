"""Lambda calls this with batches of the playback stream, one shard at a time."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from analytics.envelope import Batch
from analytics.ingest import ingest
from analytics.opening import open_doors
from analytics.settings import Settings
from streamflix import log, metrics, settings
from streamflix.ca import CA_FILE
from streamflix.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from analytics.ingest import Doors
    from streamflix.deadline import Context

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
    metrics.publish(env.environment, outcome.metrics(), {"shard": batch.shard.name})


@cache
def doors(env: Settings, ca_file: Path = CA_FILE) -> Doors:
    return open_doors(env, "streamflix-analytics-consume", ca_file)
