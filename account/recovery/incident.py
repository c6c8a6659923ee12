"""`make incident`: what on-call wants to know first, on one screen. Nothing is ever written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from account.recovery import alarms
from account.recovery.record import Record
from account.recovery.words import length, moment, utc
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from account.guard import Account
    from account.recovery.record import Incident, Restore, Witness
    from account.view import View

    Part = Callable[[Account, View, datetime], None]

SHOWN = timedelta(days=30)
RESTORES_SHOWN = 10
# The monitor looks each minute, and a metric needs one or two to be seen.
SILENT = timedelta(minutes=3)
MONITORS_RUNBOOK = "docs/runbooks/recovery-checks-breached.md"

ALARM_HEAD = ("who", "alarm", "red since (UTC)", "what it means", "runbook")
INCIDENT_HEAD = (
    "state",
    "began (UTC)",
    "writes failed for",
    "lost beats",
    "promoted after",
    "cause",
)
RESTORE_HEAD = (
    "mode",
    "began (UTC)",
    "back to (UTC)",
    "outcome",
    "took",
    "lost",
    "erased again",
    "run",
)


def show(account: Account, view: View, now: datetime | None = None) -> None:
    """Four parts; one that cannot be read does not keep the others from being shown.

    Raises: `Refusal` when a part could not be read.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    at = now or datetime.now(UTC)
    if account.environment != "local":
        view.say(str(account))
    unread = []
    for name, part in PARTS.items():
        try:
            part(account, view, at)
        except (BotoCoreError, ClientError) as error:
            view.say(f"Not read: {name}. {error}")
            unread.append(name)
    if unread:
        raise Refusal(f"Not everything could be read: {'; '.join(unread)}.")


def _show_alarms(account: Account, view: View, now: datetime) -> None:
    red = alarms.red(account)
    if not red:
        view.say(f"Nothing is red in {account.environment}.")
        return
    rows = [
        (
            "PAGE" if each.pages else "ticket",
            each.name,
            f"{utc(each.since, seconds=False)} ({length((now - each.since).total_seconds())})",
            each.says,
            each.runbook,
        )
        for each in red
    ]
    view.table(f"Red now in {account.environment}", ALARM_HEAD, rows)


def _show_monitor(account: Account, view: View, now: datetime) -> None:
    look = Record(account).look(now)
    if look.at is None:
        view.say(f"The monitor does not look; nobody knows what is breached: {MONITORS_RUNBOOK}")
        return
    ago = length((now - look.at).total_seconds())
    if now - look.at > SILENT:
        view.say(f"The monitor does not look; it last did {ago} ago: {MONITORS_RUNBOOK}")
        began = "Then it found"
    else:
        began = f"The monitor looked {ago} ago and found"
    view.say(f"{began} breached:" if look.breached else f"{began} nothing breached.")
    for breach in look.breached:
        view.say(f"  {breach}")
    if look.breached:  # its words come without their numbers
        view.say(f"  How much: make logs ENV={account.environment} ROOM=recovery SINCE=10m")


def _show_incidents(account: Account, view: View, now: datetime) -> None:
    record = Record(account)
    found = record.incidents(now - SHOWN)
    if not found:
        view.say(f"No incident in {SHOWN.days} days.")
        return
    title = f"Incidents of {SHOWN.days} days, the newest first"
    view.table(title, INCIDENT_HEAD, [_incident(each) for each in found])
    for each in found:
        if each.state != "over":
            view.say(f"AWS about the one of {utc(moment(each.started_at))} UTC:")
            _show_witnesses(record.witnesses(each), view)


def _show_witnesses(said: Sequence[Witness], view: View) -> None:
    for each in said:
        at = utc(moment(each.at))
        view.say(f"  {at} {each.service} {each.subject}: {each.message}")
    if not said:
        view.say("  nothing yet; its events come within a minute or two")


def _incident(each: Incident) -> tuple[str, ...]:
    began = moment(each.started_at)
    if each.first_write_at is None:
        failed = f"since {began:%H:%M:%S}"
    else:
        failed = length(each.first_write_at - each.started_at)
    promoted = "" if each.promoted_at is None else length(each.promoted_at - each.started_at)
    cause = each.cause or f"not known yet; it began with {each.reason}"
    return each.state, utc(began), failed, str(each.lost_beats), promoted, cause


def _show_restores(account: Account, view: View, _: datetime) -> None:
    found = Record(account).restores()
    if not any(each.mode == "drill" for each in found):
        view.say("No drill yet.")
    if found:
        newest = found[:RESTORES_SHOWN]
        title = f"Restores and drills, the newest {len(newest)} of {len(found)}"
        view.table(title, RESTORE_HEAD, [_restore(each) for each in newest])
    for each in found:
        if each.waits_for_adoption:
            view.say(
                f"{each.copy} is in service and not adopted: make adopt comes before a deploy."
            )


def _restore(each: Restore) -> tuple[str, ...]:
    outcome = each.outcome or "RUNNING"
    return (
        each.mode,
        utc(moment(each.started_at)),
        "latest" if each.target_at is None else utc(moment(each.target_at)),
        f"{outcome}: {each.reason}" if each.reason else outcome,
        "" if each.rto_seconds is None else length(each.rto_seconds),
        "" if each.rpo_seconds is None else length(each.rpo_seconds),
        "" if each.accounts_erased is None else str(each.accounts_erased),
        each.run,
    )


PARTS: dict[str, Part] = {
    "what is red now": _show_alarms,
    "what the monitor finds": _show_monitor,
    "incidents": _show_incidents,
    "restores and drills": _show_restores,
}
