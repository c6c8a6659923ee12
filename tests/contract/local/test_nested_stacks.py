"""Children are deployed as root stacks are: transformed, resolved, rolled back, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


def parameter(name: str, value: object) -> dict[str, Any]:
    properties = {"Name": name, "Type": "String", "Value": value}
    return {"Type": "AWS::SSM::Parameter", "Properties": properties}


REFUSED = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/x", "Type": "SecureString"}}


def child(cloud: Cloud, resources: dict[str, Any], **rest: Any) -> dict[str, Any]:
    parameters = rest.pop("given", {})
    properties = {"TemplateURL": cloud.url_of({"Resources": resources} | rest)}
    return {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": properties | ({"Parameters": parameters} if parameters else {}),
    }


def test_a_child_gets_the_sam_transform_and_its_dynamic_references(cloud: Cloud) -> None:
    cloud.client("ssm").put_parameter(Name="/ns/known", Value="one", Type="String")
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "FunctionName": "ns-sam",
            "Runtime": "python3.14",
            "Handler": "index.handler",
            "InlineCode": "def handler(e, c): return 1",
        },
    }
    copy = parameter("/ns/copy", "{{resolve:ssm:/ns/known}}")

    def both(extra: str) -> dict[str, Any]:
        stack = child(
            cloud,
            {"Function": function, "Copy": copy, "Extra": parameter("/ns/extra", extra)},
            Transform="AWS::Serverless-2016-10-31",
        )
        return cloud.deploy("ns-sam", {"Child": stack})

    assert both("a")["StackStatus"] == "CREATE_COMPLETE"
    assert cloud.parameter("/ns/copy") == "one"
    assert cloud.client("lambda").get_function(FunctionName="ns-sam")

    cloud.client("ssm").put_parameter(Name="/ns/known", Value="two", Overwrite=True)
    assert both("b")["StackStatus"] == "UPDATE_COMPLETE"
    assert cloud.parameter("/ns/copy") == "two"

    cloud.delete("ns-sam")
    assert cloud.parameter("/ns/copy") is None


def test_outputs_and_parameters_pass_between_children_as_text(cloud: Cloud) -> None:
    first = child(
        cloud,
        {"P": parameter("/ns/first", "x")},
        Outputs={"Name": {"Value": {"Ref": "P"}}},
    )
    second = child(
        cloud,
        {"P": parameter("/ns/second", {"Fn::Sub": "${Given}-${Flag}"})},
        Parameters={"Given": {"Type": "String"}, "Flag": {"Type": "String"}},
        given={"Given": {"Fn::GetAtt": ["First", "Outputs.Name"]}, "Flag": True},
    )

    stack = cloud.deploy("ns-chain", {"First": first, "Second": second})

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert cloud.parameter("/ns/second") == "/ns/first-true"
    cloud.delete("ns-chain")


def test_a_grandchild_wears_the_tags_of_the_stacks_above_it(cloud: Cloud) -> None:
    room = child(cloud, {"P": parameter("/ns/tagged", "x")})
    chapter = child(cloud, {"Room": room})
    chapter["Properties"]["Tags"] = [{"Key": "Owner", "Value": "us"}]

    cloud.deploy("ns-tags", {"Chapter": chapter})

    tags = cloud.client("ssm").list_tags_for_resource(
        ResourceType="Parameter", ResourceId="/ns/tagged"
    )["TagList"]
    assert {"Key": "Owner", "Value": "us"} in tags
    cloud.delete("ns-tags")


def test_a_failed_create_leaves_nothing_of_any_child(cloud: Cloud) -> None:
    good = child(cloud, {"P": parameter("/ns/good", "x")})
    bad = child(cloud, {"P": parameter("/ns/left", "x"), "Q": REFUSED | {"DependsOn": "P"}})

    stack = cloud.deploy("ns-fails", {"Good": good, "Bad": bad | {"DependsOn": "Good"}})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert [cloud.parameter(name) for name in ("/ns/good", "/ns/left")] == [None, None]
    children = cloud.client("cloudformation").list_stacks()["StackSummaries"]
    states = {each["StackStatus"] for each in children if each["StackName"].startswith("ns-fails-")}
    assert states == {"DELETE_COMPLETE"}
    cloud.delete("ns-fails")


def test_a_failed_update_takes_every_child_back_to_the_old_state(cloud: Cloud) -> None:
    def platform(value: str, **more: Any) -> dict[str, Any]:
        a = child(cloud, {"P": parameter("/ns/a", value)})
        b = child(cloud, {"P": parameter("/ns/b", value)} | more)
        return cloud.deploy("ns-back", {"A": a, "B": b | {"DependsOn": "A"}})

    assert platform("old")["StackStatus"] == "CREATE_COMPLETE"

    stack = platform("new", Q=REFUSED | {"DependsOn": "P"}, R=parameter("/ns/added", "x"))

    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert [cloud.parameter(name) for name in ("/ns/a", "/ns/b")] == ["old", "old"]
    assert cloud.parameter("/ns/added") is None
    resources = cloud.client("cloudformation").describe_stack_resources(StackName="ns-back")
    for each in resources["StackResources"]:
        assert (
            cloud.settled(each["PhysicalResourceId"])["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        )

    assert platform("newer")["StackStatus"] == "UPDATE_COMPLETE"
    assert [cloud.parameter(name) for name in ("/ns/a", "/ns/b")] == ["newer", "newer"]
    cloud.delete("ns-back")


def test_a_child_keeps_what_its_deletion_policy_retains(cloud: Cloud) -> None:
    kept = parameter("/ns/kept", "x") | {"DeletionPolicy": "Retain"}
    cloud.deploy("ns-kept", {"Child": child(cloud, {"P": kept})})

    cloud.delete("ns-kept")

    assert cloud.parameter("/ns/kept") == "x"


def test_an_unknown_type_in_a_child_fails_before_anything_is_made(cloud: Cloud) -> None:
    unknown = {"Type": "AWS::Nowhere::Thing", "DependsOn": "P"}
    stack = cloud.deploy(
        "ns-type", {"C": child(cloud, {"P": parameter("/ns/p", "x"), "U": unknown})}
    )

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloud.client("cloudformation").describe_stack_events(StackName="ns-type")[
        "StackEvents"
    ]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("Unrecognized resource types: [AWS::Nowhere::Thing]" in each for each in reasons)
    cloud.delete("ns-type")
