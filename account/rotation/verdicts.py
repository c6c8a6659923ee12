"""A rotation that did not end, in words: what the room's log says, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from account.rotation.diary import Diary

# A later attempt meets the same, so nobody waits for one.
FINAL = ("PendingStale", "RightsDiffer", "SecretDrifted", "SecretMalformed")

DRIFTED = "docs/runbooks/secret-drifted.md"

REMEDIES = {
    "EnvironmentHeld": (
        "Somebody else is changing credentials or clusters: wait for the end of that, then "
        "{again}; it goes on where this one stopped."
    ),
    "OldPasswordInUse": (
        "The password before the current one may still be in use: let the service's redeploy end "
        "(docs/runbooks/redeploy-failed.md), then {again}."
    ),
    "PendingStale": "The sweeper calls it off at its next round; then {again}.",
    "RightsDiffer": (
        "The sweeper puts memberships right at its next round; then {again}. Runbook: " + DRIFTED
    ),
    "SecretDrifted": (
        "Somebody changed the password by hand. {status} says what logs in; runbook: " + DRIFTED
    ),
    "TooSoon": (
        "Clients may still hold the password before the current one. After that time: {again}."
    ),
}
OTHERWISE = "{status} says what logs in (runbook: " + DRIFTED + "); {again} goes on."

OPENINGS = {
    "called off": "{login} was not rotated: the rotation was called off, AWSCURRENT is as before.",
    "failed": "{login} is not rotated: AWSPENDING is still on the new version.",
    "silent": "{login} is not rotated: nothing happens any more, and AWSPENDING is still on the "
    "new version.",
    "endless": "{login} is not rotated yet, although it was given a quarter of an hour.",
}


def word(outcome: str, login: str, diary: Diary, environment: str) -> str:
    """The end of a rotation in a few sentences."""
    kind = diary.failure.kind if diary.failure else ""
    remedy = REMEDIES.get(kind, OTHERWISE).format(
        again=f"make rotate SECRET={login} ENV={environment}",
        status=f"make rotation-status ENV={environment}",
    )
    return f"{OPENINGS[outcome].format(login=login)} {_said(login, diary)} {remedy}"


def _said(login: str, diary: Diary) -> str:
    if diary.unreadable:
        return f"The room's log cannot be read: {diary.unreadable}."
    if diary.failure:
        failure = diary.failure
        return f"{failure.step} failed: {failure.kind}: {failure.words.rstrip('.')}."
    if diary.stray:
        return f"The room's last error names no login: {diary.stray.rstrip('.')}."
    return f"The room's log names no failure of {login}."
