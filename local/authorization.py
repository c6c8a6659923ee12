"""Asks MiniStack's evaluator about calls that AWS makes in the name of a role.

An event source mapping reads its stream as the function's role, and a service that reads an
encrypted thing for a caller decrypts it as that caller. MiniStack does both without asking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def role_may(
    role_arn: str,
    session: str | None,
    action: str,
    resource: str,
    context: Mapping[str, Any] | None = None,
) -> bool:
    """Whether a session of this role may do this; resource policies and boundaries count.

    The question is recorded like a call, when the recording hook is installed. What else AWS would
    ask for the same call is asked too.
    """
    role = role_arn.rpartition("/")[2]
    account = get_account_id()
    limits = iam_evaluator._permissions_boundary(_iam()._roles, role, account)
    asked = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={key.lower(): value for key, value in (context or {}).items()},
    )
    if not judge(asked, iam_evaluator._gather_role_policies(role, account), limits):
        return False
    further = [use for uses in ALSO_ASKED for use in uses(action, resource)]
    return all(role_may(role_arn, session, *use) for use in further)


def refused_caller(
    access_key: str, action: str, resource: str, region: str, context: Mapping[str, Any]
) -> str | None:
    """Who the key belongs to, if they may not do this when a service asks in their name.

    None as well when the key is nobody's: the call that brought it was refused for that.
    """
    caller = iam_evaluator.resolve_principal(access_key, get_account_id())
    if isinstance(caller, iam_evaluator.AuthError) or caller.policies is None:
        return None
    asked = iam_evaluator.EvalContext(
        principal_arn=caller.arn,
        principal_type=caller.type,
        principal_account=caller.account,
        action=action,
        resource_arn=resource,
        region=region,
        service_context={name.lower(): value for name, value in context.items()},
        principal_keys=caller.keys,
    )
    return None if judge(asked, caller.policies, caller.limits) else str(caller.arn)


def judge(asked: Any, policies: list[Any], limits: list[Any]) -> bool:
    """Decide as `iam_evaluator.enforce` decides, once the caller's policies are known."""
    decision = iam_evaluator.evaluate(asked, policies, *limits)
    service = asked.action.partition(":")[0]
    if found := iam_evaluator._resource_policy(service, asked.resource_arn):
        decision = iam_evaluator.combine_resource_policy(
            decision,
            asked,
            *found,
            required=service in iam_evaluator._POLICY_REQUIRED,
            limits=limits,
        )
    allowed: bool = decision.decision == "Allow"
    for listener in LISTENERS:
        listener(asked, allowed)
    return allowed


def _iam() -> Any:
    from ministack.services import iam

    return iam


LISTENERS: list[Callable[[Any, bool], None]] = []
"""Called with each context and whether it was allowed; the recording hook stands here."""

ALSO_ASKED: list[Callable[[str, str], Iterable[tuple[str, str, dict[str, Any]]]]] = []
"""Further questions behind an action on a resource; the KMS hook stands here."""
