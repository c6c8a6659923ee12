"""Keeps what AWS says about the platform's health; the monitor joins it to incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recovery.incidents import Incidents
from recovery.settings import ObserveSettings
from recovery.table import Table
from recovery.witnesses import of_event
from streamflix import log, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamflix.deadline import Context

logger = log.get("recovery")


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> None:  # noqa: ARG001
    """Keep one event.

    Event: one of aws.rds, aws.ecs or aws.backup, as EventBridge delivers it.
    Raises: `BadTask`; `RecordUnreachable` (retryable: EventBridge delivers it again).
    Safe to repeat.
    """
    witness = of_event(event)
    Incidents(Table(settings.cached(ObserveSettings).incidents_table)).witness(witness)
    logger.info("kept", extra={"what": witness.words, "number": witness.number})
