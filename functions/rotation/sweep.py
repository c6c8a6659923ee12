"""Looks at all secrets: every quarter of an hour, after each change of the stack, and on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation import sweeper
from rotation.settings import Settings
from rotation.steps import Work
from streamflix import log, metrics, settings
from streamflix.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamflix.deadline import Context

logger = log.get("rotation")


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Compare, and repair what is safe.

    Event: ``{"repair": false}`` looks only; ``{"stuck_after_seconds": 0}`` ends now what Secrets
    Manager has given up, instead of an hour after it began; any other event asks for the usual.

    Returns ``{"environment", "drift", "secrets": [{"login", "strategy", "username", "age_days",
    "state", "logs_in", "findings", "repaired"}]}``; `drift` counts the secrets with findings.
    Safe to repeat and to interrupt.
    """
    repair = event.get("repair", True) is not False
    env = settings.cached(Settings)
    deadline = Deadline.of(context)
    reports = [
        sweeper.examine(
            Work.on(login, env, deadline),
            repair=repair,
            stuck_after_seconds=event.get("stuck_after_seconds"),
        )
        for login in env.secret_arns
    ]
    for report in reports:
        if report.findings or report.repaired:
            logger.warning(
                "drift",
                extra={
                    "login": report.login,
                    "findings": report.findings,
                    "repaired": report.repaired,
                },
            )
    drift = sum(bool(report.findings) for report in reports)
    if repair:  # who only looks does not speak for the schedule
        oldest = max(report.age_days for report in reports)
        metrics.publish(env.environment, {"SecretDrift": drift, "SecretAgeDays": oldest})
    return {
        "environment": env.environment,
        "drift": drift,
        "secrets": [report.as_dict() for report in reports],
    }
