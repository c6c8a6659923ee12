"""Gap: a stage's access log is dropped by CloudFormation, and the gateway never writes one.

Here each request leaves one line in the stage's log group, made of the stage's format. Variables
that nothing here knows (the firewall's verdict, TLS) read ``-``, as they do on AWS when empty.

Test: tests/contract/local/test_api_access_log.py
"""

from __future__ import annotations

import contextvars
import functools
import re
import time
from typing import TYPE_CHECKING, Any

from ministack.services import apigateway_v1, cloudwatch_logs
from ministack.services.cloudformation import provisioners

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.context import Cloud
    from local.resource_types import Created, Properties

KIND = "AWS::ApiGateway::Stage"
PATCHES: tuple[str, ...] = (
    "ministack.services.apigateway_v1:_execute_in_scope",
    "ministack.services.apigateway_v1:_handle_execute_in_scope",
    "ministack.services.apigateway_v1:_GatewayError",
    "ministack.services.apigateway_v1:_stages_v1",
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS",
    "ministack.services.cloudwatch_logs:_log_groups",
)
TYPES: tuple[str, ...] = (KIND,)

STREAM = "live"
VARIABLE = re.compile(r"\$context\.([A-Za-z.]+)")
Seen = dict[str, Any]
_seen: contextvars.ContextVar[Seen | None] = contextvars.ContextVar("_seen", default=None)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    _keep_setting()
    apigateway_v1._execute_in_scope = _watched(apigateway_v1._execute_in_scope)
    apigateway_v1._handle_execute_in_scope = _logged(apigateway_v1._handle_execute_in_scope)


def _keep_setting() -> None:
    stock = provisioners._RESOURCE_HANDLERS[KIND]

    def kept(made: Created, properties: Properties) -> Created:
        setting = properties.get("AccessLogSetting") or {}
        stage = apigateway_v1._stages_v1[properties["RestApiId"]][properties["StageName"]]
        stage["accessLogSettings"] = {
            key: setting[name]
            for name, key in (("DestinationArn", "destinationArn"), ("Format", "format"))
            if name in setting
        }
        return made

    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        return kept(stock["create"](logical_id, properties, stack), properties)

    def update(identity: str, old: Properties, new: Properties, *rest: Any) -> Created:
        return kept(stock["update"](identity, old, new, *rest), new)

    provisioners._RESOURCE_HANDLERS[KIND] = stock | {"create": create, "update": update}


def _watched(stock: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Remembers what the gateway finds out about a request."""

    @functools.wraps(stock)
    async def executing(request: Seen, *rest: Any) -> Any:
        answer = await stock(request, *rest)
        error = answer.response_type if isinstance(answer, apigateway_v1._GatewayError) else ""
        if (seen := _seen.get()) is not None:
            seen |= {"request": request, "error": error}
        return answer

    return executing


def _logged(stock: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(stock)
    async def handling(api: str, stage: str, method: str, path: str, *rest: Any) -> Any:
        seen: Seen = {}
        token, began = _seen.set(seen), time.monotonic()
        try:
            status, headers, body = await stock(api, stage, method, path, *rest)
        finally:
            _seen.reset(token)
        if "request" in seen and seen["request"]["stage"]:
            took = round((time.monotonic() - began) * 1000)
            facts = _facts(seen, method, path) | {
                "status": status,
                "responseLatency": took,
                "responseLength": len(body),
            }
            _write(seen["request"]["stage"], facts)
        return status, headers, body

    return handling


def _facts(seen: Seen, method: str, path: str) -> dict[str, Any]:
    """What `$context.…` stands for. A format that asks for the caller gets the caller."""
    request = seen["request"]
    return {
        "deploymentId": request["stage"].get("deploymentId"),
        "error.responseType": seen["error"],
        "httpMethod": method,
        "identity.sourceIp": "127.0.0.1",
        "identity.userAgent": apigateway_v1._header_ci(request["headers"], "user-agent"),
        "path": f"/{request['stage_name']}{path}",
        "requestId": request["request_id"],
        "requestTimeEpoch": round(time.time() * 1000),
        "resourcePath": request["resource_path"],
        "stage": request["stage_name"],
    }


def _write(stage: dict[str, Any], facts: dict[str, Any]) -> None:
    setting = stage.get("accessLogSettings") or {}
    group = setting.get("destinationArn", "").partition(":log-group:")[2].removesuffix(":*")
    if group not in cloudwatch_logs._log_groups:
        return
    line = VARIABLE.sub(lambda name: str(facts.get(name[1]) or "-"), setting["format"])
    now = round(time.time() * 1000)
    streams = cloudwatch_logs._log_groups[group]["streams"]
    if STREAM not in streams:
        cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": STREAM})
    cloudwatch_logs._put_log_events(
        {
            "logGroupName": group,
            "logStreamName": STREAM,
            "logEvents": [{"timestamp": now, "message": line}],
        }
    )
