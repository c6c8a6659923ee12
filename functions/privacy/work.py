"""The workflow calls this once per state; it knows a request's id and nothing else about it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from privacy import erasure
from privacy.doors import open_doors
from privacy.errors import BadStep
from privacy.settings import Settings
from streamflix import log, metrics, settings
from streamflix.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamflix.deadline import Context

logger = log.get("privacy")


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Run one step of one request.

    Event: ``{"request": uuid, "step": verify_identity | fence | erase_database | erase_sessions |
    erase_files | verify | complete | close}``, or ``{"request", "step": "fail", "error": name}``.
    Returns ``{"state": name, "fence_at": time or "", "settled_at": time or "", "clean": bool}``:
    when to fence, when to erase, and whether nothing was found any more.
    Raises: `DataMapDrifted`, `RemainsPersist`, `OutOfOrder`, … (permanent: a person must look);
    `DatabaseUnreachable`, `MovedMeanwhile`, … (retryable).
    Safe to repeat, to interrupt and to run twice at once.
    """
    request, step = _parse(event)
    env = settings.cached(Settings)
    doors = open_doors(env)
    began = time.monotonic()
    try:
        if step == "fail":
            record = doors.ledger.read(request)
            erasure.fail(record, doors, str(event.get("error")))
            metrics.publish(env.environment, {"ErasureFailures": 1})
        else:
            record = erasure.run(step, request, doors, Deadline.of(context))
    finally:
        doors.rest()
    elapsed = round((time.monotonic() - began) * 1000)
    logger.info(
        "step done",
        extra={"request": str(request), "step": step, "state": record.state, "ms": elapsed},
    )
    if step == "close" and record.state == "completed":
        metrics.publish(env.environment, {"ErasureDurationMs": erasure.duration_ms(record, doors)})
    return {
        "state": record.state,
        "fence_at": record.fence_at,
        "settled_at": record.settled_at,
        "clean": bool(record.verified_at),
    }


def _parse(event: Mapping[str, Any]) -> tuple[UUID, str]:
    step = event.get("step")
    if step not in {*erasure.STEPS, "fail"}:
        raise BadStep("the event names no step")
    try:
        return UUID(str(event.get("request"))), str(step)
    except ValueError:
        raise BadStep("the event names no request") from None
