"""A rule starts a state machine, and that calls services, as far as their roles allow it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.contract.local.conftest import allow
from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

SDK = "arn:aws:states:::aws-sdk"
SERVICE = "arn:aws:ecs:eu-central-1:000000000000:service/workflow/workflow"
NAMED = {"Cluster": "workflow"}


def task(resource: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Arguments": arguments} | (more or {"End": True})


REDEPLOY = {
    "QueryLanguage": "JSONata",
    "StartAt": "Redeploy",
    "States": {
        "Redeploy": task(
            f"{SDK}:ecs:updateService",
            NAMED | {"Service": "workflow", "ForceNewDeployment": True},
            Next="Wait",
        ),
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Look"},
        "Look": task(
            f"{SDK}:ecs:describeServices",
            NAMED | {"Services": ["workflow"]},
            Assign={"deployments": "{% $states.result.Services[0].Deployments %}"},
            Output="{% $states.input %}",
            Next="Done",
        ),
        "Done": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": (
                        "{% $count($deployments) = 1 "
                        "and $deployments[0].RolloutState = 'COMPLETED' %}"
                    ),
                    "Next": "Tell",
                }
            ],
            "Default": "Wait",
        },
        "Tell": task(
            f"{SDK}:secretsmanager:tagResource",
            {
                "SecretId": "{% $states.context.Execution.Input.resources[0] %}",
                "Tags": [
                    {
                        "Key": "AdoptedVersion",
                        "Value": "{% $states.context.Execution.Input.detail.versionId %}",
                    }
                ],
            },
        ),
    },
}


def make(cloud: Cloud, name: str, definition: dict[str, Any], *may: dict[str, Any]) -> str:
    answer = cloud.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=cloud.role(f"{name}-machine", *may)
    )
    return str(answer["stateMachineArn"])


def run(cloud: Cloud, machine: str) -> dict[str, Any]:
    machines = cloud.client("stepfunctions")
    arn = machines.start_execution(stateMachineArn=machine)["executionArn"]
    return eventually(
        lambda: dict(machines.describe_execution(executionArn=arn)),
        10,
        lambda execution: execution["status"] != "RUNNING",
    )


def asked(cloud: Cloud, action: str, resource: str) -> list[dict[str, Any]]:
    return [call for call in cloud.calls(action) if call["resource"] == resource]


def on_promotion(cloud: Cloud, name: str, machine: str, *may: dict[str, Any]) -> str:
    """A secret whose promotion starts the machine. Returns its ARN."""
    arn = cloud.client("secretsmanager").create_secret(Name=name, SecretString="one")["ARN"]
    pattern = {
        "source": ["aws.secretsmanager"],
        "detail-type": ["Secret Label Updated"],
        "resources": [arn],
        "detail": {"labelUpdated": ["AWSCURRENT"]},
    }
    cloud.client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    target = {"Id": "machine", "Arn": machine, "RoleArn": cloud.role(f"{name}-rule", *may)}
    cloud.client("events").put_targets(Rule=name, Targets=[target])
    return str(arn)


def test_a_promotion_redeploys_a_service_and_the_secret_says_who_took_it_up(cloud: Cloud) -> None:
    ecs, secrets = cloud.client("ecs"), cloud.client("secretsmanager")
    ecs.create_cluster(clusterName="workflow")
    container = {"name": "service", "image": "image", "memory": 64}
    ecs.register_task_definition(family="workflow", containerDefinitions=[container])
    settings = {"taskDefinition": "workflow", "desiredCount": 2}
    made = ecs.create_service(cluster="workflow", serviceName="workflow", **settings)
    (before,) = made["service"]["deployments"]
    name = "workflow-secret"
    machine = make(
        cloud,
        name,
        REDEPLOY,
        allow(["ecs:UpdateService", "ecs:DescribeServices"], SERVICE),
        allow(
            "secretsmanager:TagResource",
            f"arn:aws:secretsmanager:eu-central-1:000000000000:secret:{name}-*",
            Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["AdoptedVersion"]}},
        ),
    )
    arn = on_promotion(cloud, name, machine, allow("states:StartExecution", machine))

    version = secrets.put_secret_value(SecretId=arn, SecretString="two")["VersionId"]

    tags = eventually(lambda: secrets.describe_secret(SecretId=arn)["Tags"], 15)
    assert tags == [{"Key": "AdoptedVersion", "Value": version}]
    found = ecs.describe_services(cluster="workflow", services=["workflow"])["services"][0]
    (after,) = found["deployments"]
    assert (after["rolloutState"], after["runningCount"]) == ("COMPLETED", 2)
    assert after["id"] != before["id"]
    (start,) = eventually(lambda: asked(cloud, "states:StartExecution", machine), 5)
    assert (start["allowed"], f":assumed-role/{name}-rule/" in start["principal"]) == (True, True)
    (call,) = asked(cloud, "ecs:UpdateService", SERVICE)
    assert (call["allowed"], f":assumed-role/{name}-machine/" in call["principal"]) == (True, True)


def test_a_state_machine_fails_where_its_role_ends(cloud: Cloud) -> None:
    function = cloud.function("workflow-function", "def handler(event, context): return event")
    arguments = {"FunctionName": function, "Payload": {"said": 1}}
    invoking = {
        "QueryLanguage": "JSONata",
        "StartAt": "Invoke",
        "States": {"Invoke": task("arn:aws:states:::lambda:invoke", arguments)},
    }
    may = allow("lambda:InvokeFunction", function)

    failed = run(cloud, make(cloud, "workflow-ecs", REDEPLOY, allow("ecs:UpdateService", "arn:x")))
    refused = run(cloud, make(cloud, "workflow-none", invoking))
    allowed = run(cloud, make(cloud, "workflow-some", invoking, may))

    assert (failed["status"], failed["error"]) == ("FAILED", "Ecs.AccessDeniedException")
    assert (refused["status"], refused["error"]) == ("FAILED", "Lambda.AccessDeniedException")
    assert json.loads(allowed["output"])["Payload"] == {"said": 1}


def test_a_rule_whose_role_may_not_start_a_state_machine_starts_nothing(cloud: Cloud) -> None:
    nothing = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Succeed"}}}
    machine = make(cloud, "workflow-unstarted", nothing)
    arn = on_promotion(
        cloud, "workflow-unstarted", machine, allow("states:StartExecution", "arn:x")
    )

    cloud.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="two")

    calls = eventually(lambda: asked(cloud, "states:StartExecution", machine), 5)
    assert [call["allowed"] for call in calls] == [False]
    executions = cloud.client("stepfunctions").list_executions(stateMachineArn=machine)
    assert executions["executions"] == []
