"""How a state machine's executions end is counted for it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


def sums(cloud: Cloud, machine: str) -> dict[str, float]:
    now = time.time()
    found: dict[str, Any] = {}
    for name in ("Started", "Succeeded", "Failed", "Aborted"):
        points = cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/States",
            MetricName=f"Executions{name}",
            Dimensions=[{"Name": "StateMachineArn", "Value": machine}],
            StartTime=now - 120,
            EndTime=now + 120,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        found[name] = sum(point["Sum"] for point in points)
    return found


def test_each_end_of_an_execution_is_counted(cloud: Cloud) -> None:
    states = cloud.client("stepfunctions")
    definition = {
        "StartAt": "Which",
        "States": {
            "Which": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.end", "StringEquals": "fail", "Next": "Bad"},
                    {"Variable": "$.end", "StringEquals": "wait", "Next": "Long"},
                ],
                "Default": "Good",
            },
            "Bad": {"Type": "Fail"},
            "Good": {"Type": "Succeed"},
            "Long": {"Type": "Wait", "Seconds": 60, "End": True},
        },
    }
    machine = states.create_state_machine(
        name="counted", definition=json.dumps(definition), roleArn=cloud.role("counted")
    )["stateMachineArn"]

    for end in ("fail", "good", "good"):
        states.start_execution(stateMachineArn=machine, input=json.dumps({"end": end}))
    started = states.start_execution(stateMachineArn=machine, input=json.dumps({"end": "wait"}))
    states.stop_execution(executionArn=started["executionArn"])

    expected = {"Started": 4, "Succeeded": 2, "Failed": 1, "Aborted": 1}
    eventually(lambda: sums(cloud, machine), 10, lambda seen: seen == expected)
