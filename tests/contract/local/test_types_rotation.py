"""A stack turns a secret's rotation on, changes it and turns it off, or fails with its function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

KIND = "AWS::SecretsManager::RotationSchedule"
CODE = """
import os
def handler(event, context):
    if os.environ["WORKS"] != "yes":
        raise ValueError("no login")
"""


def schedule(function: str, *, at_once: bool, **rules: Any) -> dict[str, Any]:
    properties = {
        "SecretId": {"Ref": "Secret"},
        "RotationLambdaARN": function,
        "RotateImmediatelyOnUpdate": at_once,
        "RotationRules": rules,
    }
    return {"Type": KIND, "Properties": properties, "DependsOn": "Secret"}


def resources(name: str, rotation: dict[str, Any] | None) -> dict[str, Any]:
    properties = {"Name": name, "SecretString": "old"}
    secret = {"Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": properties}}
    return secret | ({"Rotation": rotation} if rotation else {})


def function(cloud: Cloud, name: str, works: str) -> str:
    arn = cloud.function(name, CODE, Environment={"Variables": {"WORKS": works}})
    cloud.client("lambda").add_permission(
        FunctionName=name,
        StatementId="rotation",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
    )
    return arn


def test_a_schedule_is_made_changed_and_taken_away_with_its_resource(cloud: Cloud) -> None:
    arn = function(cloud, "types-rotation", "yes")

    def described() -> dict[str, Any]:
        return dict(cloud.client("secretsmanager").describe_secret(SecretId="types-rotation"))

    def deploy(rotation: dict[str, Any] | None) -> dict[str, Any]:
        outputs = {"Id": {"Value": {"Ref": "Rotation" if rotation else "Secret"}}}
        return cloud.deploy(
            "types-rotation", resources("types-rotation", rotation), Outputs=outputs
        )

    made = deploy(schedule(arn, at_once=False, AutomaticallyAfterDays="30"))
    assert made["StackStatus"] == "CREATE_COMPLETE"
    first = described()
    assert made["Outputs"][0]["OutputValue"] == first["ARN"]
    assert (first["RotationEnabled"], first["RotationLambdaARN"]) == (True, arn)
    assert first["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert list(first["VersionIdsToStages"].values()) == [["AWSCURRENT"]]

    changed = deploy(schedule(arn, at_once=False, ScheduleExpression="cron(0 3 1 * ? *)"))
    assert changed["StackStatus"] == "UPDATE_COMPLETE"
    assert described()["RotationRules"] == {"ScheduleExpression": "cron(0 3 1 * ? *)"}
    assert (described()["NextRotationDate"].astimezone().day, first["RotationEnabled"]) == (1, True)

    assert deploy(None)["StackStatus"] == "UPDATE_COMPLETE"
    assert described()["RotationEnabled"] is False
    cloud.delete("types-rotation")


def test_a_function_whose_test_fails_fails_the_resource_with_its_reason(cloud: Cloud) -> None:
    arn = function(cloud, "types-rotation-bad", "no")
    wanted = schedule(arn, at_once=False, AutomaticallyAfterDays=30)

    stack = cloud.deploy("types-rotation-bad", resources("types-rotation-bad", wanted))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloud.client("cloudformation").describe_stack_events(StackName="types-rotation-bad")
    reasons = [event.get("ResourceStatusReason", "") for event in events["StackEvents"]]
    assert any("testSecret: ValueError: no login" in reason for reason in reasons)
    cloud.delete("types-rotation-bad")
