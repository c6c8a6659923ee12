"""The restore workflow calls this while the consumer's mapping is disabled.

A restore takes the watermarks back to where the database was; Lambda's checkpoint stays. Between
the two lie events that the consumer would never see again: only this function counts them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

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
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from analytics.ingest import Doors
    from streamflix.deadline import Context

    Task = Callable[[Mapping[str, Any], ReplaySettings, Deadline], dict[str, Any]]

logger = log.get("analytics")

RUN = re.compile(r"[A-Za-z0-9._-]{1,80}")  # whatever names an execution; EventBridge's have 73


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Tell for how long nothing was counted, or count what a restore would lose.

    Event: ``{"task": "still"}`` returns ``{"newest": RFC 3339, "stillSeconds": s}``, by the clock
    of the database that the address book names. A batch shows when it is committed, so nothing is
    in flight once the mapping is disabled and this exceeds twice the consumer's timeout.
    Event: ``{"task": "replay", "restore": run}`` returns ``{"done": bool, "records": n, "ingested":
    n, "duplicates": n, "rejected": n, "shards": n, "gap": n, "behindSeconds": s}``, of this call
    alone. `shards` are those at whose tip it arrived, as the tip was when it began. `done` is false
    when its time was used up: call it again, it goes on from the watermarks. `gap` counts shards
    whose watermark is older than what the stream keeps; only the call that crosses it says so.
    Raises: `BadTask` (permanent); `EpochMoved`, `DatabaseUnreachable`, `StreamUnreachable`, …
    (retryable). Safe to repeat, to interrupt, and to call while the consumer is at work. A call
    whose process dies over a record must be repeated: the fifth one steps over that record.
    """
    task = TASKS.get(str(event.get("task")))
    if task is None:
        raise BadTask("the event's task is still or replay")
    return task(event, settings.cached(ReplaySettings), Deadline.of(context))


def still(_: Mapping[str, Any], env: ReplaySettings, __: Deadline) -> dict[str, Any]:
    newest, seconds = doors(env).store.standstill(stream(env).name)
    return {"newest": newest, "stillSeconds": round(seconds, 3)}


def replay(event: Mapping[str, Any], env: ReplaySettings, deadline: Deadline) -> dict[str, Any]:
    run = str(event.get("restore"))
    if "restore" not in event or not RUN.fullmatch(run):
        raise BadTask("the event names no restore")
    tally = catch_up(stream(env), doors(env), deadline)
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


TASKS: Mapping[str, Task] = {"still": still, "replay": replay}


def stream(env: ReplaySettings) -> Stream:
    return Stream(env.stream_arn)


@cache
def doors(env: ReplaySettings, ca_file: Path = CA_FILE) -> Doors:
    """The process's doors, as the consumer's; Redis hears of minutes alone that it still keeps."""
    opened = open_doors(env, "streamflix-analytics-replay", ca_file)
    return replace(opened, viewers=RecentViewers(opened.viewers))
