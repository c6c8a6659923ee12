"""Gap: a call about an ECS service is judged on the cluster's ARN, and not on the service's.

A policy that grants `ecs:UpdateService` on one service would then grant nothing.

Test: tests/contract/local/test_ecs_service_arn.py
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = ("ministack.core.iam_actions:extract_resource_arn",)
TYPES: tuple[str, ...] = ()

NAMED_BY = {"UpdateService": "service", "DeleteService": "service", "DescribeServices": "services"}
"""The member that names the service; of several, the first is judged."""


def install(cloud: Cloud) -> None:  # noqa: ARG001
    iam_actions.extract_resource_arn = _naming_services(iam_actions.extract_resource_arn)


def _naming_services(extract: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(extract)
    def extracting(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any
    ) -> str:
        member = NAMED_BY.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if service != "ecs" or member is None:
            return extract(service, method, path, headers, body, *rest)
        request = json.loads(body)
        _, region, account = rest
        return service_arn(request, request.get(member), f"arn:aws:ecs:{region}:{account}")

    return extracting


def service_arn(request: dict[str, Any], named: str | list[str] | None, scope: str) -> str:
    name = (named[:1] or [""])[0] if isinstance(named, list) else named or ""
    if name.startswith("arn:"):
        return name
    cluster = str(request.get("cluster") or "default").rpartition("/")[2]
    return f"{scope}:service/{cluster}/{name}"
