"""Alarms that CloudFormation makes: on metric math, and on other alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.local.alarms import Pager

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

RATIO = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "AlarmName": "al-ratio",
        "Metrics": [
            {"Id": "ratio", "Expression": "a / 10", "Label": "share"},
            {
                "Id": "a",
                "ReturnData": False,
                "MetricStat": {
                    "Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": []},
                    "Period": 60,
                    "Stat": "Sum",
                },
            },
        ],
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 80,
    },
}


def both(rule: str = 'ALARM("al-ratio")', topic: str = "") -> dict[str, Any]:
    composite = {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "DependsOn": "Ratio",
        "Properties": {
            "AlarmName": "al-both",
            "AlarmRule": rule,
            "AlarmActions": [topic] if topic else [],
        },
    }
    return {"Ratio": RATIO, "Both": composite}


def test_an_alarm_on_metric_math_is_kept_as_it_was_declared(cloud: Cloud) -> None:
    cloud.deploy("al-math", {"Ratio": RATIO})

    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=["al-ratio"])["MetricAlarms"]

    assert alarm["Threshold"] == 80
    assert [each["Id"] for each in alarm["Metrics"]] == ["ratio", "a"]
    assert alarm["Metrics"][1]["MetricStat"]["Period"] == 60
    assert "MetricName" not in alarm
    cloud.delete("al-math")
    assert cloud.client("cloudwatch").describe_alarms(AlarmNames=["al-ratio"])["MetricAlarms"] == []


def test_an_alarm_on_metric_math_that_the_api_makes_is_kept_too(cloud: Cloud) -> None:
    watch = cloud.client("cloudwatch")
    watch.put_metric_alarm(**RATIO["Properties"] | {"AlarmName": "al-api-ratio"})

    [alarm] = watch.describe_alarms(AlarmNames=["al-api-ratio"])["MetricAlarms"]

    assert [each.get("Expression") for each in alarm["Metrics"]] == ["a / 10", None]
    assert "MetricName" not in alarm
    watch.delete_alarms(AlarmNames=["al-api-ratio"])


def test_a_composite_alarm_turns_red_with_its_child_and_tells_its_topic(cloud: Cloud) -> None:
    pager = Pager.of(cloud)
    cloud.deploy("al-both", both(topic=pager.topic))

    # Until the next minute: there is no data.
    cloud.client("cloudwatch").set_alarm_state(
        AlarmName="al-ratio", StateValue="ALARM", StateReason="a test"
    )

    assert pager.page() == ("al-both", "ALARM")
    cloud.delete("al-both")


def test_a_composite_alarm_is_changed_in_place(cloud: Cloud) -> None:
    cloud.deploy("al-change", both())

    cloud.deploy("al-change", both('NOT ALARM("al-ratio")'))

    watch = cloud.client("cloudwatch")
    (alarm,) = watch.describe_alarms(AlarmNames=["al-both"], AlarmTypes=["CompositeAlarm"])[
        "CompositeAlarms"
    ]
    assert alarm["AlarmRule"] == 'NOT ALARM("al-ratio")'
    cloud.delete("al-change")
    left = watch.describe_alarms(AlarmNames=["al-both"], AlarmTypes=["CompositeAlarm"])
    assert left["CompositeAlarms"] == []


def test_a_rule_that_names_nobody_fails_the_stack(cloud: Cloud) -> None:
    stack = cloud.deploy("al-nobody", both('ALARM("al-nobody")'))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    cloud.delete("al-nobody")
