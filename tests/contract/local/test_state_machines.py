"""A state machine written in YAML runs, also from a child's SAM template with substitutions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

YAML = """
# A comment, as people leave it
QueryLanguage: JSONata
StartAt: Say
States:
  Say:
    Type: Pass
    Output: {word: "${Word}", since: 2026-01-31, twice: "{% $states.input.number * 2 %}"}
    End: true
"""


def machine(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Serverless::StateMachine", "Properties": properties}


def test_yaml_from_a_file_runs_with_its_substitutions(cloud: Cloud) -> None:
    cloud.client("s3").put_object(Bucket="templates", Key="say.asl.yaml", Body=YAML)
    role = cloud.role("state-machines")
    say = machine(
        Name="state-machines-say",
        Role=role,
        DefinitionUri={"Bucket": "templates", "Key": "say.asl.yaml"},
        DefinitionSubstitutions={"Word": {"Ref": "Word"}},
    )
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"Word": {"Type": "String"}},
        "Resources": {"Say": say},
        "Outputs": {"Arn": {"Value": {"Ref": "Say"}}},
    }
    properties = {"TemplateURL": cloud.url_of(template), "Parameters": {"Word": "hello"}}
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": properties}
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Arn"]}}}
    stack = cloud.deploy("state-machines", {"Child": child}, Outputs=outputs)
    machines = cloud.client("stepfunctions")

    started = machines.start_execution(
        stateMachineArn=stack["Outputs"][0]["OutputValue"], input='{"number": 21}'
    )

    ended = eventually(
        lambda: machines.describe_execution(executionArn=started["executionArn"]),
        10,
        lambda execution: execution["status"] != "RUNNING",
    )
    assert ended["status"] == "SUCCEEDED", ended
    said = {"word": "hello", "since": "2026-01-31", "twice": 42}
    assert json.loads(ended["output"]) == said
    cloud.delete("state-machines")


def test_what_is_neither_json_nor_yaml_fails_its_stack(cloud: Cloud) -> None:
    properties = {"RoleArn": cloud.role("state-machines-bad"), "DefinitionString": "just a word"}
    bad = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}

    stack = cloud.deploy("state-machines-bad", {"Bad": bad})

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    cloud.delete("state-machines-bad")
