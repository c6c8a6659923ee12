"""The templates' alarms that nothing feeds here are those that docs/limits.md names."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from tests.contract.local.alarms import Alarms
from tests.contract.local.conftest import ROOT
from tests.contract.templates import house
from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

HEADING = "## Alarms without a source on the laptop"
EXCEPT = "redis-keys-unmapped"


def watched(alarm: house.Body) -> list[tuple[str, str]]:
    """Namespace and name of each metric."""
    if "Metrics" not in alarm:
        return [(alarm["Namespace"], alarm["MetricName"])]
    queries = [query.get("Fn::If", [None, query])[1] for query in alarm["Metrics"]]
    metrics = [query["MetricStat"]["Metric"] for query in queries if "MetricStat" in query]
    return [(metric["Namespace"], metric["MetricName"]) for metric in metrics]


def settings(alarm: house.Body) -> dict[str, Any]:
    """An alarm on the same metrics, of nothing in particular."""
    metrics = sorted({*watched(alarm)})
    if len(metrics) == 1:
        return {"Namespace": metrics[0][0], "MetricName": metrics[0][1], "Statistic": "Sum"}
    queries = [
        {
            "Id": f"m{number}",
            "ReturnData": False,
            "MetricStat": {
                "Metric": {"Namespace": namespace, "MetricName": name},
                "Period": 60,
                "Stat": "Sum",
            },
        }
        for number, (namespace, name) in enumerate(metrics)
    ]
    return {"Metrics": [{"Id": "sum", "Expression": "SUM(METRICS())"}, *queries]}


def test_the_page_names_the_alarms_that_nothing_feeds(cloud: Cloud) -> None:
    alarms, watch = Alarms.of(cloud), cloud.client("cloudwatch")
    prefix = alarms.namespace.replace("/", "-")
    found = {
        alarm["Properties"]["AlarmName"]["Fn::Sub"]
        .removeprefix("streamflix-")
        .removesuffix("-${EnvironmentSuffix}"): alarm["Properties"]
        for stack in house.everything()
        for alarm in stack.resources("AWS::CloudWatch::Alarm").values()
    }
    rest = {"EvaluationPeriods": 1, "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold"}
    for name, alarm in found.items():
        period = {} if len({*watched(alarm)}) > 1 else {"Period": 60}
        put = {"AlarmName": f"{prefix}-{name}"} | rest | period | settings(alarm)
        watch.put_metric_alarm(**put)

    def reasons() -> dict[str, str]:
        pages = watch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
        told = [each for page in pages for each in page["MetricAlarms"]]
        return {each["AlarmName"].removeprefix(f"{prefix}-"): each["StateReason"] for each in told}

    judged = eventually(
        reasons, 5, lambda told: not any(why.startswith("Unchecked") for why in told.values())
    )

    unfed = {name for name, why in judged.items() if "has no source" in why}
    section = (ROOT / "docs/limits.md").read_text().partition(HEADING)[2].partition("\n#")[0]
    named = set(re.findall(r"`([a-z*-]+)`", section)) - {EXCEPT}
    assert len(judged) == len(found) > 60
    assert [name for name in named if not any(fnmatch(each, name) for each in unfed)] == []
    assert {each for each in found if any(fnmatch(each, name) for name in named)} == (
        unfed | {EXCEPT}
    )
    alarms.delete()
