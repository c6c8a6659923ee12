"""Gap: ``ssm:GetParameters`` is judged as a call on everything.

A role that may read just the parameters it asks for is refused. AWS asks about each of them.

Test: tests/contract/local/test_several_parameters.py
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions, iam_evaluator

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.core.iam_actions:extract_resource_arn",
    "ministack.core.iam_evaluator:enforce",
)
TYPES: tuple[str, ...] = ()


class Several(str):
    """The first of several resources, for whoever takes it for the only one."""

    __slots__ = ("all",)

    all: tuple[str, ...]


def install(cloud: Cloud) -> None:  # noqa: ARG001
    iam_actions.extract_resource_arn = _naming_each(iam_actions.extract_resource_arn)
    iam_evaluator.enforce = _asking_each(iam_evaluator.enforce)


def _naming_each(extract: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(extract)
    def extracting(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        target = headers.get("x-amz-target", "")
        if service != "ssm" or not target.endswith(".GetParameters"):
            return extract(service, method, path, headers, body, query, region, account)
        scope = f"arn:aws:ssm:{region}:{account}:parameter/"
        names = [str(name).partition(":")[0] for name in json.loads(body).get("Names") or ()]
        arns = tuple(scope + name.removeprefix("/") for name in names)
        several = Several(arns[0] if arns else "*")
        several.all = arns
        return several

    return extracting


def _asking_each(enforce: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(enforce)
    def enforcing(
        key: str, action: str, service: str, region: str, resource_arn: str = "*", **more: Any
    ) -> Any:
        arns = resource_arn.all if isinstance(resource_arn, Several) else (resource_arn,)
        refusals = (enforce(key, action, service, region, arn, **more) for arn in arns)
        return next(filter(None, refusals), None)

    return enforcing
