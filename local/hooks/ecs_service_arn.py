"""Gap: a call about an ECS service is judged on the cluster's ARN, and not on the service's.

A policy that grants `ecs:UpdateService` on one service would then grant nothing.

Test: tests/contract/local/test_ecs_service_arn.py
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from local import resource_arns

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_arns import Call

PATCHES: tuple[str, ...] = ("ministack.core.iam_actions:extract_resource_arn",)
TYPES: tuple[str, ...] = ()

NAMED_BY = {"UpdateService": "service", "DeleteService": "service", "DescribeServices": "services"}
"""The member that names the service; of several, the first is judged."""


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_arns.name_by(_service)


def _service(call: Call) -> str | None:
    member = NAMED_BY.get(call.action)
    if call.service != "ecs" or member is None:
        return None
    request = json.loads(call.body)
    named = request.get(member) or ""
    name = (named[:1] or [""])[0] if isinstance(named, list) else named
    if name.startswith("arn:"):
        return str(name)
    cluster = str(request.get("cluster") or "default").rpartition("/")[2]
    return f"{call.scope}:service/{cluster}/{name}"
