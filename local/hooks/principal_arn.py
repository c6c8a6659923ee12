"""Gap: ``aws:PrincipalArn`` of a role's session is the session's ARN; on AWS it is the role's.

Policies that name roles by pattern then match nobody, or let pass whom they should deny.

Test: tests/contract/local/test_principal_arn.py
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator
from ministack.services import iam

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.core.iam_evaluator:_resolve_condition_key",
    "ministack.core.iam_evaluator:_role_name_from_assumed_arn",
    "ministack.services.iam:_roles",
)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    iam_evaluator._resolve_condition_key = _naming_roles(iam_evaluator._resolve_condition_key)


def _naming_roles(resolve: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    @functools.wraps(resolve)
    def resolving(key: str, asked: Any) -> Any:
        value = resolve(key, asked)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(value):
            return value
        name = iam_evaluator._role_name_from_assumed_arn(value)
        role = iam._roles.get_scoped(asked.principal_account, None, name)
        return role["Arn"] if role else value

    return resolving
