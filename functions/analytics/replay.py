"""The restore workflow calls this while the database lets nobody else count.

A restore takes the watermarks back to where the database was; Lambda's checkpoint stays. Between
the two lie events that the consumer would never see again: only this function counts them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from analytics.catchup import catch_up
from analytics.errors import BadTask
from analytics.opening import open_doors
from analytics.settings import ReplaySettings
from analytics.stream import Stream
from analytics.viewers import RecentViewers
from streamflix import log, settings
from streamflix.ca import CA_FILE
from streamflix.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from analytics.ingest import Doors
    from streamflix.deadline import Context

logger = log.get("analytics")

RUN = re.compile(r"[A-Za-z0-9._-]{1,80}")  # whatever names an execution; EventBridge's have 73


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Count what a restore would lose.

    Event: ``{"restore": run}``. Returns ``{"done": bool, "records": n, "ingested": n, "duplicates":
    n, "rejected": n, "shards": n, "gap": n, "behindSeconds": s}``, of this call alone. `shards` are
    those at whose tip it arrived, as the tip was when it began. `done` is false when its time was
    used up: call it again, it goes on from the watermarks. `gap` counts shards whose watermark is
    older than what the stream keeps; only the call that crosses it says so.
    Raises: `BadTask` (permanent); `EpochMoved`, `DatabaseUnreachable`, `StreamUnreachable`, …
    (retryable). Safe to repeat, to interrupt, and to call while the consumer is at work. A call
    whose process dies over a record must be repeated: the fifth one steps over that record.
    """
    run = str(event.get("restore"))
    if "restore" not in event or not RUN.fullmatch(run):
        raise BadTask("the event names no restore")
    env = settings.cached(ReplaySettings)
    tally = catch_up(stream(env), doors(env), Deadline.of(context))
    told = {
        "done": tally.done,
        "records": tally.records,
        "ingested": tally.ingested,
        "duplicates": tally.duplicates,
        "rejected": tally.rejected,
        "shards": tally.shards,
        "gap": tally.gap,
        "behindSeconds": tally.behind_seconds,
    }
    logger.info("replayed", extra={"restore": run, **told})
    return told


def stream(env: ReplaySettings) -> Stream:
    return Stream(env.stream_arn)


@cache
def doors(env: ReplaySettings, ca_file: Path = CA_FILE) -> Doors:
    """The process's doors, as the consumer's; Redis hears of minutes alone that it still keeps."""
    opened = open_doors(env, "streamflix-analytics-replay", ca_file, recounts=True)
    return msgspec.structs.replace(opened, viewers=RecentViewers(opened.viewers))
