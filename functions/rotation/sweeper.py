"""Compares what each secret says with what really logs in, repairs what is safe, tells the rest.

Safe is: ending a rotation that was given up, making the server accept what the secret says, giving
a role its rights back, retiring a password that nobody holds any more. A secret is never changed
to fit a server.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rotation import steps
from rotation.strategies import Alternating, TwoPasswords
from rotation.vault import CURRENT, PENDING, PREVIOUS
from streamflix.errors import Permanent, Retryable

if TYPE_CHECKING:
    from rotation.steps import Work
    from rotation.vault import Labels, Version

STUCK_AFTER_SECONDS = 3600
OLDEST_DAYS = 31
NOT_ADOPTED_SECONDS = 24 * 3600

AT_REST, ROTATING, STUCK, UNKNOWN = "at rest", "rotating", "stuck", "unknown"

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """One secret, for people: no value of it."""

    login: str
    strategy: str
    username: str = ""
    age_days: float = 0.0
    state: str = UNKNOWN
    logs_in: str = UNKNOWN
    findings: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(work: Work, *, repair: bool, stuck_after_seconds: float | None = None) -> Report:
    """Look at one secret. What cannot be looked at is a finding: it is never taken for fine.

    A rotation whose version has waited for this long is taken for given up.
    """
    report = Report(work.login, work.strategy.kind)
    limit = STUCK_AFTER_SECONDS if stuck_after_seconds is None else stuck_after_seconds
    try:
        _examine(work, report, limit, repair=repair)
    except (Retryable, Permanent) as error:
        report.findings.append(f"{type(error).__name__}: {error}")
    return report


def _examine(work: Work, report: Report, stuck_after: float, *, repair: bool) -> None:
    labels, made = work.vault.labels(), work.vault.created()
    current = work.vault.current()
    now = datetime.now(UTC)
    report.username = current.login.username
    report.age_days = round((now - made[current.id]).total_seconds() / 86400, 2)
    if report.age_days > OLDEST_DAYS:
        report.findings.append(f"not rotated for {int(report.age_days)} days")
    pending = labels.at(PENDING)
    report.state = AT_REST
    if pending not in (None, current.id):
        age = (now - made[pending or ""]).total_seconds()
        report.state = STUCK if age >= stuck_after else ROTATING
    if report.state == STUCK:
        _mend(report, "a rotation that was given up", repair, lambda: _end(work, pending or ""))
        labels, current = work.vault.labels(), work.vault.current()
        report.username = current.login.username
    live = _live(work, report, labels)
    if report.state == ROTATING:
        return
    if report.logs_in not in (CURRENT, "by token"):
        words = f"{CURRENT} does not log in, {report.logs_in} does"
        known = live is not None or work.login != "master"
        _mend(report, words, repair and known, lambda: _restore(work, current))
    _look_closer(work, report, labels, made[current.id], repair=repair)


def _look_closer(
    work: Work, report: Report, labels: Labels, made: datetime, *, repair: bool
) -> None:
    """At what only one kind of login has."""
    strategy = work.strategy
    if isinstance(strategy, Alternating):
        drifts = strategy.drifts(repair=repair)
        (report.repaired if repair else report.findings).extend(drifts)
    elif isinstance(strategy, TwoPasswords) and strategy.passwords() > 1:
        promoted = max(made, labels.last_rotated or made)
        age = (datetime.now(UTC) - promoted).total_seconds()
        waits = work.login in work.env.adopted_secrets
        due = labels.adopted == labels.at(CURRENT) if waits else True
        if due and age > work.env.retire_after_seconds:
            if repair:
                with work.held("retiring the old password"):
                    strategy.retire(work.vault.current())
                report.repaired.append("the password before the current one was retired")
        elif age > NOT_ADOPTED_SECONDS:
            report.findings.append("nobody has taken up the current password for a day")


def _live(work: Work, report: Report, labels: Labels) -> Version | None:
    """Which version logs in. While the current one does, it is the one: others may as well."""
    if work.login == "app" and work.env.app_login == "token":
        report.logs_in = "by token"
        return None
    current = work.vault.current()
    try:
        work.strategy.check_current()
    except Permanent as error:
        logger.warning("current version", extra={"login": work.login, "reason": str(error)})
    else:
        report.logs_in = CURRENT
        return current
    live = work.strategy.live()
    if live is None:
        report.logs_in = "none"
    else:
        stages = labels.by_version.get(live.id, frozenset())
        known = [each for each in (CURRENT, PENDING, PREVIOUS) if each in stages]
        report.logs_in = known[0] if known else "older version"
    return live


def _restore(work: Work, current: Version) -> None:
    with work.held("repair"):
        work.strategy.restore(current)
        work.strategy.check_current()


def _end(work: Work, pending: str) -> None:
    """Finish what was begun when it can be finished; else call it off, unless that version is the
    only one that logs in."""
    if work.vault.version(pending) is None:
        work.vault.call_off(pending)
        return
    try:
        steps.finish(work, pending)
    except (Retryable, Permanent):
        live = work.strategy.live()
        if live is not None and live.id == pending:
            raise
        work.vault.call_off(pending)


def _mend(report: Report, words: str, repair: bool, act: Any) -> None:
    """Repair and say so, or say what was found."""
    if not repair:
        report.findings.append(words)
        return
    try:
        act()
    except (Retryable, Permanent) as error:
        report.findings.append(f"{words} ({type(error).__name__}: {error})")
    else:
        report.repaired.append(words)
