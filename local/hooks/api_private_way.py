"""Gap: CloudFormation knows no VPC links, and what should take one is called directly.

On the laptop there is no service behind the load balancer's name. A request that would take the
private way is checked by the gateway as any other and then answered at once: 503, and why.

Test: tests/contract/local/test_api_private_way.py
"""

from __future__ import annotations

import functools
import json
import secrets
from typing import TYPE_CHECKING, Any

from ministack.core.responses import new_uuid
from ministack.services import apigateway_v1

from local import resource_types

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.context import Cloud
    from local.resource_types import Created, Properties

KIND = "AWS::ApiGatewayV2::VpcLink"
PATCHES: tuple[str, ...] = (
    *resource_types.PATCHES,
    "ministack.services.apigateway_v1:_invoke_http_proxy_v1",
)
TYPES: tuple[str, ...] = (KIND,)
ANSWER = "THE_LAPTOP_RUNS_NO_SERVICE"

Answer = tuple[int, dict[str, str], bytes]


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register(KIND, create, delete, update)
    apigateway_v1._invoke_http_proxy_v1 = _guarded(apigateway_v1._invoke_http_proxy_v1)


def create(_: str, __: Properties, ___: str) -> Created:
    identity = secrets.token_hex(3)
    return identity, {"VpcLinkId": identity}


def update(identity: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
    """Only the name and tags of a link change in place."""
    if any(old.get(key) != new.get(key) for key in ("SecurityGroupIds", "SubnetIds")):
        return create(logical_id, new, stack)
    return identity, {"VpcLinkId": identity}


def delete(_: str, __: Properties) -> None:
    """Nothing was made."""


def _guarded(stock: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    @functools.wraps(stock)
    async def calling(integration: dict[str, Any], *request: Any) -> Answer:
        if integration.get("connectionType") != "VPC_LINK":
            return await stock(integration, *request)
        body = json.dumps({"error": ANSWER, "requestId": new_uuid()})
        return 503, {"Content-Type": "application/json"}, body.encode()

    return calling
