"""A log is delivered as the function's role, and the metrics in it reach CloudWatch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.local.conftest import allow

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

CODE = """
import json
def handler(event, context):
    print("hello")
    metrics = [{"Name": "Beats", "Unit": "Count"}]
    directive = {"Namespace": "Contract", "Dimensions": [["Room"]], "Metrics": metrics}
    told = {"_aws": {"Timestamp": 0, "CloudWatchMetrics": [directive]}}
    print(json.dumps(told | {"Room": "log", "Beats": [2, 3]}))
    print('{"_aws": "malformed"}')
"""


def beats(cloud: Cloud) -> list[dict[str, object]]:
    found = cloud.client("cloudwatch").list_metrics(Namespace="Contract")["Metrics"]
    return [each for each in found if each["MetricName"] == "Beats"]


def test_without_the_grant_there_is_no_log_and_no_metric(cloud: Cloud) -> None:
    cloud.function("mute", CODE, cloud.role("mute"))

    assert cloud.invoke("mute") == (None, None)

    assert cloud.log_of("/aws/lambda/mute") == []
    assert beats(cloud) == []


def test_with_the_grant_lines_go_to_the_functions_own_group_and_metrics_are_made(
    cloud: Cloud,
) -> None:
    cloud.client("logs").create_log_group(logGroupName="/contract/own")
    group = "arn:aws:logs:eu-central-1:000000000000:log-group:/contract/own:*"
    role = cloud.role("spoken", allow(["logs:CreateLogStream", "logs:PutLogEvents"], group))
    cloud.function("spoken", CODE, role, LoggingConfig={"LogGroup": "/contract/own"})

    assert cloud.invoke("spoken") == (None, None)

    assert "hello" in cloud.log_of("/contract/own")
    assert cloud.log_of("/aws/lambda/spoken") == []
    assert beats(cloud)[0]["Dimensions"] == [{"Name": "Room", "Value": "log"}]
    refused = [call for call in cloud.calls("logs:PutLogEvents") if "spoken" in call["principal"]]
    assert not [call for call in refused if not call["allowed"]]
