"""Alarms that CloudFormation makes: on metric math, and on other alarms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture
def heard(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """A topic and the queue that hears it."""
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name="al-page")["TopicArn"]
    letters = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [letters]})
    url = sqs.create_queue(QueueName="al-heard", Attributes={"Policy": policy})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    yield topic, url
    sns.delete_topic(TopicArn=topic)
    sqs.delete_queue(QueueUrl=url)


def test_an_alarm_on_metric_math_is_kept_as_it_was_declared(cloud: Cloud) -> None:
    cloud.deploy("al-math", {"Ratio": RATIO})

    (alarm,) = cloud.client("cloudwatch").describe_alarms(AlarmNames=["al-ratio"])["MetricAlarms"]

    assert alarm["Threshold"] == 80
    assert [each["Id"] for each in alarm["Metrics"]] == ["ratio", "a"]
    assert alarm["Metrics"][1]["MetricStat"]["Period"] == 60
    assert "MetricName" not in alarm
    cloud.delete("al-math")
    assert cloud.client("cloudwatch").describe_alarms(AlarmNames=["al-ratio"])["MetricAlarms"] == []


def test_a_composite_alarm_turns_red_with_its_child_and_tells_its_topic(
    cloud: Cloud, heard: tuple[str, str]
) -> None:
    topic, queue = heard
    watch = cloud.client("cloudwatch")
    cloud.deploy("al-both", both(topic=topic))

    watch.set_alarm_state(AlarmName="al-ratio", StateValue="ALARM", StateReason="a test")

    composites = watch.describe_alarms(AlarmNames=["al-both"], AlarmTypes=["CompositeAlarm"])
    assert [it["StateValue"] for it in composites["CompositeAlarms"]] == ["ALARM"]
    messages = cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert "al-both" in messages[0]["Body"]
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
    assert watch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"] == []


def test_a_rule_that_names_nobody_fails_the_stack(cloud: Cloud) -> None:
    stack = cloud.deploy("al-nobody", both('ALARM("al-nobody")'))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    cloud.delete("al-nobody")
