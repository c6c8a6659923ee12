"""Everything that a deploy would stumble over, found before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from account.preflight import adoption, inputs, logins, orderable, prerequisites, quiet, quotas
from account.preflight.finding import Finding, Look, fails
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from botocore.exceptions import ClientError

    from account.preflight.finding import Check
    from account.view import View

CHECKS: tuple[Check, ...] = (
    *logins.CHECKS,
    *quiet.CHECKS,
    *adoption.CHECKS,
    *inputs.CHECKS,
    *prerequisites.CHECKS,
    *orderable.CHECKS,
    *quotas.CHECKS,
)

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedException",
    "UnauthorizedOperation",
}


def examine(
    look: Look, checks: Sequence[Check] = CHECKS, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Finding]:
    """Run the checks. What may not be read is a failure, never a pass."""
    from botocore.exceptions import BotoCoreError, ClientError

    local = look.account.environment == "local"
    for check in checks:
        if local and check.absent:
            yield Finding(check.name, "", "not asked", check.absent)
            continue
        tell(f"preflight: {check.name}")
        try:
            yield from check.run(look)
        except ClientError as error:
            yield _unreadable(check.name, error)
        except BotoCoreError as error:
            yield fails(check.name, str(error), "Look at the network, then run it again.")


def show(findings: Sequence[Finding], view: View) -> None:
    """One table, then in one line what nobody could ask."""
    asked = [each for each in findings if each.verdict != "not asked"]
    rows = [(each.check, each.found, each.verdict, each.remedy) for each in asked]
    view.table("Preflight", ("check", "found", "verdict", "remedy"), rows)
    reasons: dict[str, list[str]] = {}
    for each in findings:
        if each.verdict == "not asked":
            reasons.setdefault(each.remedy, []).append(each.check)
    for reason, names in reasons.items():
        view.say(f"Not asked, because {reason}: {', '.join(names)}.")


def refuse(findings: Sequence[Finding]) -> None:
    """Raises: `Refusal` when a check failed."""
    failed = [each for each in findings if each.verdict == "FAIL"]
    if failed:
        plural = "check" if len(failed) == 1 else "checks"
        raise Refusal(f"Preflight: {len(failed)} {plural} failed. The remedies stand in the table.")


def _unreadable(check: str, error: ClientError) -> Finding:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code in _DENIED:
        return fails(
            check,
            f"may not be read ({error.operation_name})",
            f"Allow {error.operation_name} to these credentials: what cannot be read is not ready.",
        )
    return fails(check, f"{code}: {message}", f"{error.operation_name} refused: read its message.")
