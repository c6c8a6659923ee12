"""Gap: a call about an ElastiCache user is judged on every resource, and not on the user's ARN.

A policy that grants `elasticache:ModifyUser` on one user would then grant nothing.

Test: tests/contract/local/test_elasticache_user_arn.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local import resource_arns

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_arns import Call

PATCHES: tuple[str, ...] = ("ministack.core.iam_actions:extract_resource_arn",)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_arns.name_by(_user)


def _user(call: Call) -> str | None:
    user = call.parameter("UserId") if call.service == "elasticache" else ""
    return f"{call.scope}:user:{user}" if user else None
