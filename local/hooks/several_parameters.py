"""Gap: ``ssm:GetParameters`` is judged as a call on everything.

A role that may read just the parameters it asks for is refused. AWS asks about each of them.

Test: tests/contract/local/test_several_parameters.py
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator

from local import resource_arns
from local.resource_arns import Several

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud
    from local.resource_arns import Call

PATCHES: tuple[str, ...] = (
    "ministack.core.iam_actions:extract_resource_arn",
    "ministack.core.iam_evaluator:enforce",
)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_arns.name_by(_parameters)
    iam_evaluator.enforce = _asking_each(iam_evaluator.enforce)


def _parameters(call: Call) -> list[str] | None:
    if call.service != "ssm" or call.action != "GetParameters":
        return None
    names = [str(name).partition(":")[0] for name in json.loads(call.body).get("Names") or ()]
    return [f"{call.scope}:parameter/{name.removeprefix('/')}" for name in names]


def _asking_each(enforce: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(enforce)
    def enforcing(
        key: str, action: str, service: str, region: str, resource_arn: str = "*", **more: Any
    ) -> Any:
        arns = resource_arn.all if isinstance(resource_arn, Several) else (resource_arn,)
        refusals = (enforce(key, action, service, region, arn, **more) for arn in arns)
        return next(filter(None, refusals), None)

    return enforcing
