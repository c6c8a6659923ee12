"""A custom resource speaks with its function as on AWS; no hook is needed for it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

CODE = """
import json, urllib.request
def handler(event, context):
    properties = event["ResourceProperties"]
    told = {key: event.get(key) for key in ("RequestType", "PhysicalResourceId")}
    old = event.get("OldResourceProperties", {})
    told |= {"Value": properties.get("Value"), "Old": old.get("Value")}
    print("ASKED " + json.dumps(told))
    if properties.get("Value") == "silent":
        return
    refused = properties.get("Value") == "refuse" and event["RequestType"] != "Delete"
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")} | {
        "Status": "FAILED" if refused else "SUCCESS",
        "Reason": "it was refused",
        "PhysicalResourceId": event.get("PhysicalResourceId", "physical"),
        "Data": {"Echo": properties.get("Value")},
    }
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, method="PUT"))
"""


def asked(cloud: Cloud) -> list[tuple[Any, ...]]:
    lines = cloud.log_of("/aws/lambda/custom")
    told = [line.removeprefix("ASKED ") for line in lines if line.startswith("ASKED ")]
    return [tuple(json.loads(each).values()) for each in told]


def test_create_update_refusal_rollback_and_delete(cloud: Cloud) -> None:
    arn = cloud.function("custom", CODE, Timeout=5)

    def deploy(value: str, **more: Any) -> dict[str, Any]:
        properties = {"ServiceToken": arn, "Value": value, "ServiceTimeout": "2"}
        thing = {"Type": "Custom::Thing", "Properties": properties}
        outputs = {"Echo": {"Value": {"Fn::GetAtt": ["Thing", "Echo"]}}}
        return cloud.deploy("custom", {"Thing": thing} | more, Outputs=outputs)

    made = deploy("one")
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert made["Outputs"][0]["OutputValue"] == "one"

    assert deploy("refuse")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    broken = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/c", "Type": "SecureString"}}
    late = deploy("two", Broken=broken | {"DependsOn": "Thing"})
    assert late["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert late["Outputs"][0]["OutputValue"] == "one"
    began = time.monotonic()
    assert deploy("silent")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert 2 <= time.monotonic() - began < 10
    cloud.delete("custom")

    assert asked(cloud) == [
        ("Create", None, "one", None),
        ("Update", "physical", "refuse", "one"),
        ("Update", "physical", "one", "refuse"),
        ("Update", "physical", "two", "one"),
        ("Update", "physical", "one", "two"),
        ("Update", "physical", "silent", "one"),
        ("Update", "physical", "one", "silent"),
        ("Delete", "physical", "one", None),
    ]


def test_a_function_that_dies_fails_its_resource_when_the_time_is_up(cloud: Cloud) -> None:
    arn = cloud.function("custom-dies", "import os\ndef handler(e, c): os._exit(1)")
    properties = {"ServiceToken": arn, "ServiceTimeout": 1}
    thing = {"Type": "Custom::Thing", "Properties": properties}

    stack = cloud.deploy("custom-dies", {"Thing": thing})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    cloud.delete("custom-dies")
