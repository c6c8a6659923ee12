"""Gap: a stack that changes its status tells nobody but those who ask.

Here each status of a root stack or a child is an event on the default bus, as on AWS.

Test: tests/contract/local/test_stack_events.py
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from ministack.services import eventbridge
from ministack.services.cloudformation import changesets, handlers, stacks

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.services.cloudformation.changesets:_add_event",
    "ministack.services.cloudformation.handlers:_add_event",
    "ministack.services.cloudformation.stacks:CLIENT_REQUEST_TOKEN",
    "ministack.services.cloudformation.stacks:_add_event",
    "ministack.services.eventbridge:_put_events",
)
TYPES: tuple[str, ...] = ()

KIND = "AWS::CloudFormation::Stack"


def install(cloud: Cloud) -> None:  # noqa: ARG001
    telling = _telling(stacks._add_event)
    for module in (stacks, handlers, changesets):
        module._add_event = telling


def _telling(stock: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(stock)
    def add(
        stack_id: str,
        stack: str,
        logical_id: str,
        kind: str,
        status: str,
        reason: str = "",
        *more: Any,
        **named: Any,
    ) -> None:
        stock(stack_id, stack, logical_id, kind, status, reason, *more, **named)
        if kind == KIND and logical_id == stack:
            _tell(stack_id, status, reason)

    return add


def _tell(stack_id: str, status: str, reason: str) -> None:
    detail = {
        "stack-id": stack_id,
        "status-details": {"status": status, "status-reason": reason},
        "client-request-token": stacks.CLIENT_REQUEST_TOKEN.get() or "",
    }
    entry = {
        "Source": "aws.cloudformation",
        "DetailType": "CloudFormation Stack Status Change",
        "Detail": json.dumps(detail),
        "Resources": [stack_id],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
