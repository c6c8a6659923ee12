"""Gap: the address of an API in a stack's outputs leads to AWS.

A template can only name it as AWS does, ``https://<id>.execute-api.<region>.amazonaws.com/…``.
In outputs, and there alone, it becomes the address under which this gateway serves the API.

Test: tests/contract/local/test_api_address.py
"""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING, Any

from ministack.services.cloudformation import stacks

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = ("ministack.services.cloudformation.stacks:_resolve_stack_outputs",)
TYPES: tuple[str, ...] = ()

ADDRESS = re.compile(r"^https://([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?=/|$)")


def install(cloud: Cloud) -> None:  # noqa: ARG001
    stacks._resolve_stack_outputs = _reachable(stacks._resolve_stack_outputs)


def _reachable(
    stock: Callable[..., tuple[list[dict[str, Any]], dict[str, Any]]],
) -> Callable[..., tuple[list[dict[str, Any]], dict[str, Any]]]:
    here = rf"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/_aws/execute-api/\1"

    @functools.wraps(stock)
    def resolving(*arguments: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        outputs, exports = stock(*arguments)
        for output in outputs:
            output["OutputValue"] = ADDRESS.sub(here, output["OutputValue"])
        return outputs, exports

    return resolving
