"""Gap: API Gateway tells CloudWatch nothing of its calls.

Here each call counts for its API and stage, as it was answered. How long an integration took is
not told apart.

Test: tests/contract/local/test_api_metrics.py
"""

from __future__ import annotations

import functools
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.services import apigateway_v1, cloudwatch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.services.apigateway_v1:_handle_execute_in_scope",
    "ministack.services.apigateway_v1:_rest_apis",
    "ministack.services.cloudwatch:record_metric",
)
TYPES: tuple[str, ...] = ()

NAMESPACE = "AWS/ApiGateway"


def install(cloud: Cloud) -> None:
    cloud.metrics.give(NAMESPACE, "Count", "4XXError", "5XXError", "Latency")
    apigateway_v1._handle_execute_in_scope = _counted(apigateway_v1._handle_execute_in_scope)


def _counted(stock: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(stock)
    async def handling(api: str, stage: str, *rest: Any) -> Any:
        began = time.monotonic()
        status, headers, body = await stock(api, stage, *rest)
        if found := apigateway_v1._rest_apis.get(api):
            of = {"ApiName": found["name"], "Stage": stage}
            took = (time.monotonic() - began) * 1000
            caller_s = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
            ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
            cloudwatch.record_metric(NAMESPACE, "Count", 1, "Count", of)
            cloudwatch.record_metric(NAMESPACE, "4XXError", caller_s, "Count", of)
            cloudwatch.record_metric(NAMESPACE, "5XXError", ours, "Count", of)
            cloudwatch.record_metric(NAMESPACE, "Latency", took, "Milliseconds", of)
        return status, headers, body

    return handling
