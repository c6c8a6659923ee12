"""Looks each minute at what a recovery would need, and concludes incidents that are over."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from recovery import event_bus
from recovery import incident as told
from recovery.checks import CHECKS, NO_WRITER
from recovery.incidents import Incidents
from recovery.settings import MonitorSettings
from recovery.table import Table
from recovery.verdict import Verdict, together
from recovery.witnesses import of_elasticache
from streamflix import aws, log, metrics, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recovery.incident import Incident
    from streamflix.deadline import Context

logger = log.get("recovery")

# As long as AWS's words are kept; an incident that is open for longer has no cause any more.
LOOK_BACK_SECONDS = 7 * 86_400.0
# AWS's events come within a minute or two; until then there is no cause to tell.
CAUSE_SECONDS = 180.0


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001
    """Look at everything once. Any event will do.

    Returns ``{"breached": [words], "concluded": [incidents], "numbers": {metric: value}}``.
    Safe to repeat.
    """
    env = settings.cached(MonitorSettings)
    incidents = Incidents(Table(env.incidents_table))
    verdict = look(env, datetime.now(UTC))
    metrics.publish(env.environment, verdict.numbers)
    for breach in verdict.breaches:
        logger.warning("breached", extra={"reason": breach})
    announce(env, incidents, verdict)
    concluded = conclude(env, incidents, time.time, healthy=_database_is_well(verdict))
    return {
        "breached": list(verdict.breaches),
        "concluded": [each.name for each in concluded],
        "numbers": dict(verdict.numbers),
    }


def look(env: MonitorSettings, now: datetime) -> Verdict:
    """Every check once; what could not be looked at is breached, and says why it could not."""
    verdicts = [_looked(name, env, now) for name in CHECKS]
    broken = sum(bool(verdict.breaches) for verdict in verdicts)
    return together([*verdicts, Verdict({"RecoveryChecksBreached": broken})])


def announce(env: MonitorSettings, incidents: Incidents, verdict: Verdict) -> None:
    """Tell the bus of what was not breached a minute ago; words without their numbers."""
    kinds = sorted({_kind(breach) for breach in verdict.breaches})
    before = incidents.breached()
    for kind in kinds:
        if kind not in before:
            event_bus.tell(env.ops_bus, "ObjectiveBreached", {"what": kind})
    incidents.keep_breached(kinds)


def conclude(
    env: MonitorSettings, incidents: Incidents, clock: Callable[[], float], *, healthy: bool
) -> list[Incident]:
    """Give every incident that is over its cause and its end, and tell about it.

    Told first and put on record then: a crash between the two tells twice, never nobody.
    """
    now = clock()
    _hear_elasticache(env, incidents)
    since = now - LOOK_BACK_SECONDS
    witnesses = incidents.witnesses(since)
    known = incidents.recent(since)
    open_ones = [
        each
        for each in (*known, *told.unfelt(witnesses, known))
        if not each.is_over and each.first_write_at is not None
    ]
    over = []
    for each in open_ones:
        if healthy and now - (each.first_write_at or now) >= CAUSE_SECONDS:
            ended = told.concluded(each, witnesses, now)
            _tell(env, ended)
            incidents.record(ended)
            over.append(ended)
    return over


def _looked(name: str, env: MonitorSettings, now: datetime) -> Verdict:
    try:
        return CHECKS[name](env, now)
    except Exception as error:  # noqa: BLE001  whatever it is, that thing is not known to be fine
        logger.warning("not looked at", extra={"check": name, "reason": aws.reason(error)})
        return Verdict(breaches=(f"{name} could not be looked at: {aws.reason(error)}",))


def _database_is_well(verdict: Verdict) -> bool:
    """Zones may be fewer for a while: that is told by itself."""
    unwell = (NO_WRITER, "database could not")
    return not any(breach.startswith(unwell) for breach in verdict.breaches)


def _kind(breach: str) -> str:
    """The words without their numbers, so that a growing number is no news."""
    return " ".join("n" if any(map(str.isdigit, word)) else word for word in breach.split())


def _hear_elasticache(env: MonitorSettings, incidents: Incidents) -> None:
    """It tells no bus (docs/decisions/0010): what it would have told is asked for."""
    try:
        for witness in of_elasticache(aws.client("elasticache"), env.redis_group_id):
            incidents.witness(witness)
    except Exception as error:  # noqa: BLE001  a cause less is no reason to leave incidents open
        logger.warning("events of redis not read", extra={"reason": aws.reason(error)})


def _tell(env: MonitorSettings, over: Incident) -> None:
    detail = {
        "incident": over.name,
        "recoverySeconds": round(over.recovery_seconds or 0.0, 3),
        "lostBeats": over.lost_beats,
        "cause": over.cause,
    }
    event_bus.tell(env.ops_bus, "FailoverObserved", detail)
    aws.client("sns").publish(
        TopicArn=env.page_topic_arn,
        Subject=f"streamflix {env.environment}: database was unavailable, and is back",
        Message=told.report(over, env.rto_seconds),
    )
