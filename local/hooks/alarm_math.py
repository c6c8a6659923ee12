"""Gap: CloudFormation refuses an alarm on metric math (``Metrics``), PutMetricAlarm forgets it.

Here such an alarm is kept and described as it was declared; `alarm_states` judges it.

Test: tests/contract/local/test_alarms.py
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.services.cloudformation.provisioners:_cw_metric_alarm_record",
    "ministack.services.cloudwatch:_alarms",
    "ministack.services.cloudwatch:_put_metric_alarm",
)
TYPES: tuple[str, ...] = ()

SINGLE = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions")
PLACEHOLDER = {"MetricName": "math", "Namespace": "math"}


def install(cloud: Cloud) -> None:  # noqa: ARG001
    plain = provisioners._cw_metric_alarm_record

    def record(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        if not properties.get("Metrics"):
            return plain(name, properties)  # type: ignore[no-any-return]
        rest = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm: dict[str, Any] = plain(name, rest | PLACEHOLDER)
        alarm |= dict.fromkeys(SINGLE)
        alarm["Metrics"] = [typed(each) for each in properties["Metrics"]]
        return alarm

    provisioners._cw_metric_alarm_record = record
    cloudwatch._put_metric_alarm = _keeping(cloudwatch._put_metric_alarm)


def _keeping(stock: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(stock)
    def putting(parameters: Any, request: dict[str, Any], *protocol: Any) -> Any:
        answer = stock(parameters, request, *protocol)
        if request.get("Metrics") and request["AlarmName"] in cloudwatch._alarms:
            queries = {"Metrics": [typed(each) for each in request["Metrics"]]}
            cloudwatch._alarms[request["AlarmName"]] |= dict.fromkeys(SINGLE) | queries
        return answer

    return putting


def typed(query: dict[str, Any]) -> dict[str, Any]:
    """A template's numbers and booleans arrive as text."""
    made = dict(query)
    if "ReturnData" in made:
        made["ReturnData"] = str(made["ReturnData"]).lower() == "true"
    if "MetricStat" in made:
        made["MetricStat"] = made["MetricStat"] | {"Period": int(made["MetricStat"]["Period"])}
    if "Period" in made:
        made["Period"] = int(made["Period"])
    return made
