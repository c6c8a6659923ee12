"""Gap: Step Functions tells CloudWatch nothing of its executions.

Here the end of each counts for its machine. None ever times out, as MiniStack gives no execution
a limit.

Test: tests/contract/local/test_workflow_metrics.py
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ministack.services import cloudwatch, stepfunctions

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.services.cloudwatch:record_metric",
    "ministack.services.stepfunctions:_emit_execution_status_event",
)
TYPES: tuple[str, ...] = ()

NAMES = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "ABORTED": "ExecutionsAborted",
}


def install(cloud: Cloud) -> None:
    cloud.metrics.give("AWS/States", *NAMES.values())
    stepfunctions._emit_execution_status_event = _counting(
        stepfunctions._emit_execution_status_event
    )


def _counting(stock: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    @functools.wraps(stock)
    def telling(execution: dict[str, Any]) -> None:
        stock(execution)
        if name := NAMES.get(execution["status"]):
            machine = {"StateMachineArn": execution["stateMachineArn"]}
            cloudwatch.record_metric("AWS/States", name, 1, "Count", machine)

    return telling
