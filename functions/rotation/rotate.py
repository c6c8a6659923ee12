"""Secrets Manager calls this four times per rotation, once for each step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rotation import steps
from rotation.errors import OldPasswordInUse, TooSoon
from rotation.settings import Settings
from rotation.ticket import Ticket
from streamflix import bus, log, metrics, settings
from streamflix.deadline import Deadline
from streamflix.errors import EnvironmentHeld

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamflix.deadline import Context

SOURCE = "streamflix.rotation"

logger = log.get("rotation")

# Refused with good reason and nothing touched: no failure that somebody must look into.
POSTPONED = (EnvironmentHeld, OldPasswordInUse, TooSoon)


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> None:
    """Run one step of one rotation.

    Event: ``{"SecretId": arn, "ClientRequestToken": uuid, "Step": createSecret | setSecret |
    testSecret | finishSecret}``.
    Raises: `NotOurSecret`, `NotPending`, `TooSoon`, `SecretDrifted`, … (permanent);
    `DatabaseUnreachable`, `EnvironmentHeld`, … (retryable: Secrets Manager tries again).
    Safe to repeat, to interrupt and to run twice at once: every step looks before it acts.
    """
    ticket = Ticket.from_event(event)
    env = settings.cached(Settings)
    began = time.monotonic()
    login = env.login_of(ticket.arn)
    about = {"login": login, "secret": ticket.arn}
    try:
        steps.run(ticket, env, Deadline.of(context))
    except Exception as error:
        kind = type(error).__name__
        logger.error(  # noqa: TRY400  the words are ours; a trace may quote anything
            "step failed", extra={"login": login, "step": ticket.step, "reason": f"{kind}: {error}"}
        )
        if not isinstance(error, POSTPONED):
            _measure(env, began, failed=1)
            detail = about | {"step": ticket.step, "error": kind}
            bus.tell(env.ops_bus, SOURCE, "RotationFailed", detail)
        raise
    logger.info("step done", extra={"login": login, "step": ticket.step})
    _measure(env, began, failed=0)
    if ticket.step == "finishSecret":
        version = {"version": ticket.version}
        bus.tell(env.ops_bus, SOURCE, "RotationSucceeded", about | version)


def _measure(env: Settings, began: float, *, failed: int) -> None:
    elapsed = (time.monotonic() - began) * 1000
    metrics.publish(env.environment, {"RotationDurationMs": elapsed, "RotationFailures": failed})
