"""How the seven logins are: the room's sweeper looks and repairs nothing, Secrets Manager adds when
each is due."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from account import rooms
from account.refusal import Refusal
from account.rotation import schedule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from account.guard import Account
    from account.rotation.schedule import Secret
    from account.view import View

LOOK_ONLY = json.dumps({"repair": False}).encode()
RUNBOOK = "docs/runbooks/secret-drifted.md"
GRACE = timedelta(hours=1)
"""Secrets Manager promises no minute."""

HEAD = (
    "login",
    "strategy",
    "username",
    "days",
    "state",
    "logs in",
    "next rotation (UTC)",
    "verdict",
    "findings",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One login: what the sweeper found, what the schedule says."""

    login: str
    strategy: str
    username: str
    age_days: float
    state: str
    logs_in: str
    findings: tuple[str, ...]
    secret: Secret

    def wrong(self, now: datetime) -> list[str]:
        return [*self.findings, *_schedule_faults(self.secret, now)]

    def cells(self, now: datetime) -> tuple[str, ...]:
        wrong = self.wrong(now)
        return (
            self.login,
            self.strategy,
            self.username,
            f"{self.age_days:.1f}",
            self.state,
            self.logs_in,
            f"{_utc(self.secret.due):%Y-%m-%d %H:%M}" if self.secret.due else "none",
            "FAIL" if wrong else "ok",
            "; ".join(wrong),
        )


def show(account: Account, view: View, now: datetime | None = None) -> None:
    """One table, then one line.

    Raises: `Refusal` when a login is not well or not rotated on time, or when nobody could look.
    """
    moment = now or datetime.now(UTC)
    environment = account.environment
    if environment != "local":
        view.say(str(account))
    lines = _lines(account, _looked(account))
    view.table(f"Logins of {environment}", HEAD, [line.cells(moment) for line in lines])
    wrong = [line for line in lines if line.wrong(moment)]
    if wrong:
        raise Refusal(_advice(environment, wrong))
    view.say(_all_well(lines))


def _looked(account: Account) -> str:
    """What the sweeper returns. Raises: `Refusal`."""
    environment = account.environment
    name = f"streamflix-rotation-sweep-{environment}"
    lambdas = account.client("lambda")
    try:
        answer = rooms.invoke(lambdas, name, LOOK_ONLY)
    except lambdas.exceptions.ResourceNotFoundException:
        raise Refusal(
            f"There is no function {name}: make deploy ENV={environment} comes first."
        ) from None
    if answer.failed:
        log = f"make logs ENV={environment} ROOM=rotation"
        raise Refusal(f"{name} failed: {_error(answer.payload)}. The room's log: {log}")
    return answer.payload


def _error(payload: str) -> str:
    """`DatabaseUnreachable: …`, without the trace."""
    try:
        told = json.loads(payload)
        words = f"{told['errorType']}: {told['errorMessage']}"
    except (ValueError, TypeError, KeyError):
        words = payload
    return words.partition("\n")[0].rstrip(" .")


def _lines(account: Account, payload: str) -> list[Line]:
    vault, environment = account.client("secretsmanager"), account.environment
    try:
        return [
            Line(
                str(each["login"]),
                str(each["strategy"]),
                str(each["username"]),
                float(each["age_days"]),
                str(each["state"]),
                str(each["logs_in"]),
                tuple(each["findings"]),
                schedule.describe(vault, environment, each["login"]),
            )
            for each in json.loads(payload)["secrets"]
        ]
    except (ValueError, TypeError, KeyError):
        raise Refusal(
            "The deployed sweeper answers in another form than this checkout reads: "
            f"make deploy ENV={environment}."
        ) from None


def _schedule_faults(secret: Secret, now: datetime) -> Iterator[str]:
    if secret.cancelled:
        yield "rotation is turned off"
    elif not secret.enabled:
        yield "rotation is not set up"
    elif secret.due and secret.due + GRACE < now:
        yield "rotation is overdue"


def _advice(environment: str, wrong: Sequence[Line]) -> str:
    bare = [each for each in wrong if not (each.secret.enabled or each.secret.cancelled)]
    parts = [f"Not well: {', '.join(each.login for each in wrong)}."]
    if bare:
        names = ", ".join(each.login for each in bare)
        parts.append(f"make deploy ENV={environment} sets up the rotation of {names}.")
    if len(bare) < len(wrong):
        first = next(each.login for each in wrong if each not in bare)
        parts.append(
            f"What a finding means and what comes first: {RUNBOOK}. "
            f"To rotate: make rotate SECRET={first} ENV={environment}."
        )
    return " ".join(parts)


def _all_well(lines: Sequence[Line]) -> str:
    oldest = max((line.age_days for line in lines), default=0.0)
    dates = [_utc(line.secret.due) for line in lines if line.secret.due]
    due = f", the next rotation is due on {min(dates):%Y-%m-%d}" if dates else ""
    return f"All is well: {len(lines)} logins, the oldest password is {oldest:.1f} days old{due}."


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
