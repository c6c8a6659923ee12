"""Gap: a call about an ElastiCache user is judged on every resource, and not on the user's ARN.

A policy that grants `elasticache:ModifyUser` on one user would then grant nothing.

Test: tests/contract/local/test_elasticache_user_arn.py
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.core.iam_actions:_query_param",
    "ministack.core.iam_actions:extract_resource_arn",
)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    iam_actions.extract_resource_arn = _naming_users(iam_actions.extract_resource_arn)


def _naming_users(extract: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(extract)
    def extracting(service: str, *given: Any) -> str:
        if service == "elasticache":
            query, region, account = given[-3:]
            user = iam_actions._query_param(query, "UserId")
            if user:
                return f"arn:aws:elasticache:{region}:{account}:user:{user}"
        return extract(service, *given)

    return extracting
