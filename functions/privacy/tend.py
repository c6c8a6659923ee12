"""Looks after requests each minute, and after what the law lets go each day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from privacy.doors import open_doors
from privacy.errors import BadStep, DataMapDrifted, WorkflowUnreachable
from privacy.settings import Settings, TendSettings
from privacy.workflow import Workflow
from streamflix import log, metrics, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from privacy.erasure import Doors
    from privacy.record import Record
    from streamflix.deadline import Context

logger = log.get("privacy")

DAY_SECONDS = 86_400


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, int]:  # noqa: ARG001
    """Do one of two tasks.

    Event: ``{"task": "requests"}`` starts the workflow of whoever has none and measures the oldest
    open request; ``{"task": "expiry"}`` deletes what has expired and compares stores and map.
    Returns numbers. Safe to repeat.
    """
    task = str(event.get("task"))
    if task not in TASKS:
        raise BadStep("the event names no task")
    env = settings.cached(Settings)
    doors = open_doors(env)
    try:
        numbers: dict[str, int] = TASKS[task](doors)
    finally:
        doors.rest()
    metrics.publish(env.environment, numbers)
    logger.info("tended", extra={"task": task, **numbers})
    return numbers


def requests(doors: Doors) -> dict[str, int]:
    """Whoever took a request may have died before its workflow was started."""
    workflow = Workflow(settings.cached(TendSettings).state_machine_arn)
    known = doors.ledger.open_requests()
    for record in known:
        if record.state == "received":  # who is further has a workflow, or had one that gave up
            _begin(workflow, record)
    oldest = min((record.received_at for record in known), default="")
    return {
        "ErasuresOpen": len(known),
        "ErasureOldestOpenDays": _age_days(oldest, doors.now()) if oldest else 0,
    }


def _begin(workflow: Workflow, record: Record) -> None:
    """One that cannot be begun now must not keep the others waiting."""
    try:
        if not workflow.status(record):
            workflow.start(record)
            logger.warning("workflow started late", extra={"request": str(record.request)})
    except WorkflowUnreachable as error:
        about = {"request": str(record.request), "reason": str(error)}
        logger.warning("workflow not started", extra=about)


def expiry(doors: Doors) -> dict[str, int]:
    """Delete what a law has let go; then look for what the map does not name."""
    expired = doors.database.expire()
    try:
        doors.database.guard()
        drifted = 0
    except DataMapDrifted as error:
        logger.error("drift", extra={"reason": str(error)})  # noqa: TRY400  names of the schema
        drifted = 1
    unmapped = doors.sessions.unmapped(doors.data_map.keys)
    return {
        "RetainedRowsExpired": expired,
        "DataMapDrift": drifted,
        "RedisKeysUnmapped": unmapped,
    }


def _age_days(since: str, now: datetime) -> int:
    age = now - datetime.fromisoformat(since).astimezone(UTC)
    return int(age.total_seconds() // DAY_SECONDS)


TASKS: Mapping[str, Any] = {"requests": requests, "expiry": expiry}
