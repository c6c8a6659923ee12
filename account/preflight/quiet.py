"""Whether anybody is at work already: CloudFormation, or a holder of the hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from account import hold, tree
from account.preflight.finding import Check, Finding, Look, fails

if TYPE_CHECKING:
    from collections.abc import Iterator

# A stack in such a state takes no update; what to do about it.
STUCK = {
    "ROLLBACK_COMPLETE": "Its first deploy failed and nothing is left in it: make destroy ENV={}",
    "ROLLBACK_FAILED": "Its first deploy failed: make destroy ENV={}",
    "DELETE_FAILED": "A delete was not finished: make destroy ENV={} goes on",
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {stack}",
}


def _stack(look: Look) -> Iterator[Finding]:
    found = tree.root(look.at("cloudformation"), look.plan.stack)
    status = found.status
    if not found.exists:
        yield Finding(f"stack {look.plan.stack}", "none yet: this will be its first deploy")
    elif status.endswith("_IN_PROGRESS"):
        yield fails(
            f"stack {look.plan.stack}",
            f"{status}: an operation is running",
            "Wait for its end: aws cloudformation describe-stacks --stack-name "
            f"{look.plan.stack} --query 'Stacks[0].StackStatus'",
        )
    elif status in STUCK:
        remedy = STUCK[status].format(look.environment, stack=look.plan.stack)
        yield fails(f"stack {look.plan.stack}", status, remedy)
    else:
        yield Finding(f"stack {look.plan.stack}", status)


def _hold(look: Look) -> Iterator[Finding]:
    holder = hold.current(look.at("dynamodb"), hold.table_of(look.environment))
    if holder:
        yield fails("the hold", str(holder), "Wait for its end, or ask its holder.")
    else:
        yield Finding("the hold", "free")


CHECKS = (Check("stack", _stack), Check("the hold", _hold))
