"""What an alarm looks at: its metrics' values in MiniStack's CloudWatch, period by period."""

from __future__ import annotations

from typing import Any

from ministack.services import cloudwatch

from local import metric_math
from local.alarm_rules import in_periods
from local.metric_math import Metric, UnsupportedExpressionError

Alarm = dict[str, Any]

PATCHES: tuple[str, ...] = (
    "ministack.services.cloudwatch:_calc_stats",
    "ministack.services.cloudwatch:_dims_from_list",
    "ministack.services.cloudwatch:_dims_key",
    "ministack.services.cloudwatch:_is_percentile_stat",
    "ministack.services.cloudwatch:_metrics",
    "ministack.services.cloudwatch:_stat_value",
)

STATISTICS = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")


def reads(alarm: Alarm) -> dict[str, Alarm]:
    """What the alarm reads, by the name that metric math has for it."""
    if alarm.get("Metrics"):
        return {each["Id"]: each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each}
    one = {"Metric": alarm, "Stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic")}
    return {"": one | {"Period": alarm["Period"], "Unit": alarm.get("Unit")}}


def period(alarm: Alarm) -> int:
    return max(int(read["Period"]) for read in reads(alarm).values())


def values(alarm: Alarm, until: float, count: int) -> metric_math.Values:
    """The alarm's value in each of the last periods. One more is read, for differences."""
    metrics = {
        name: Metric(_measured(read, until, count + 1), int(read["Period"]))
        for name, read in reads(alarm).items()
    }
    if len({metric.period for metric in metrics.values()}) > 1:
        raise UnsupportedExpressionError("its metrics have different periods")
    if not alarm.get("Metrics"):
        return metrics[""].values[1:]
    answers = [each for each in alarm["Metrics"] if each.get("ReturnData", True)]
    expression = answers[0].get("Expression") or answers[0]["Id"]
    return metric_math.evaluate(expression, metrics)[1:]


def _measured(read: dict[str, Any], until: float, count: int) -> metric_math.Values:
    """One statistic in each of the last periods, of exactly these dimensions."""
    metric, statistic, unit = read["Metric"], read["Stat"], read.get("Unit")
    if statistic not in STATISTICS and not cloudwatch._is_percentile_stat(statistic):
        raise UnsupportedExpressionError(f"the statistic {statistic}")
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or []))
    points = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], dimensions)) or ()
    wanted = [point for point in points if unit in (None, "", point["Unit"])]
    return tuple(
        cloudwatch._stat_value(stats, statistic, each)
        if (stats := cloudwatch._calc_stats(each))
        else None
        for each in in_periods(wanted, until, int(read["Period"]), count)
    )
