"""Gap: a function's log is written whether its role may or not, and nobody reads metrics in it.

Lambda delivers the log as the function's role, and CloudWatch makes metrics of the lines in
embedded metric format that arrive. Without ``logs:CreateLogStream`` and ``logs:PutLogEvents``
there is neither.

Test: tests/contract/local/test_lambda_log.py
"""

from __future__ import annotations

import functools
import json
import logging
from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, cloudwatch_logs, lambda_svc

from local import authorization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.services.cloudwatch:record_metric",
    "ministack.services.cloudwatch_logs:_log_groups",
    "ministack.services.lambda_svc:_emit_lambda_logs",
)
TYPES: tuple[str, ...] = ()

logger = logging.getLogger("streamflix.lambda_log")


def install(cloud: Cloud) -> None:  # noqa: ARG001
    lambda_svc._emit_lambda_logs = _emitting(lambda_svc._emit_lambda_logs)


def _emitting(emit: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(emit)
    def emitting(
        function: dict[str, Any], request_id: str, text: str, *args: Any, **kwargs: Any
    ) -> None:
        config = function.get("config") or function
        if not _may_write(config):
            return
        emit(function, request_id, text, *args, **kwargs)
        for line in text.splitlines():
            if line.startswith("{") and '"_aws"' in line:
                for namespace, name, value, unit, dimensions in metrics(line):
                    cloudwatch.record_metric(namespace, name, value, unit, dimensions)

    return emitting


def _may_write(config: dict[str, Any]) -> bool:
    name = config["FunctionName"]
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
    scope = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}"
    wanted = {
        "logs:CreateLogStream": f"{scope}:log-stream:new",
        "logs:PutLogEvents": f"{scope}:log-stream:new",
    }
    if group not in cloudwatch_logs._log_groups:
        wanted["logs:CreateLogGroup"] = f"{scope}:log-stream:"
    may = {act: authorization.role_may(config["Role"], name, act, on) for act, on in wanted.items()}
    refused = [action for action, allowed in may.items() if not allowed]
    if refused:
        logger.warning("the log of %s is lost: its role lacks %s", name, ", ".join(refused))
    return not refused


def metrics(line: str) -> Iterator[tuple[str, str, float, str, dict[str, str]]]:
    """Namespace, name, value, unit and dimensions of each data point in an EMF line."""
    try:
        document = json.loads(line)
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for keys in directive.get("Dimensions") or [[]]:
                    dimensions = {key: str(document[key]) for key in keys}
                    for value in values if isinstance(values, list) else [values]:
                        unit = metric.get("Unit", "None")
                        yield directive["Namespace"], metric["Name"], value, unit, dimensions
    except (ValueError, KeyError, TypeError) as error:
        logger.warning("a line in embedded metric format is malformed: %s", type(error).__name__)
