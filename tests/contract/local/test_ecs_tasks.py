"""The tasks of a service as records: where they lie, and what happens when one is stopped."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.local import test_types_ecs
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.contract.local.conftest import Cloud

    Told = Callable[[], list[dict[str, Any]]]

NAME = test_types_ecs.NAME
ZONES = [f"eu-central-1{letter}" for letter in "abc"]


@pytest.fixture
def told(cloud: Cloud) -> Iterator[Told]:
    """The details of the events about tasks so far."""
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName="ecs-tasks")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"]}
    events.put_rule(Name="ecs-tasks", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ecs-tasks", Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}])
    seen: list[dict[str, Any]] = []

    def look() -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            seen.append(json.loads(message["Body"])["detail"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return seen

    yield look
    events.remove_targets(Rule="ecs-tasks", Ids=["queue"])
    events.delete_rule(Name="ecs-tasks")
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def service(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A service of three tasks in three zones; its resources."""
    name = request.node.name.replace("_", "-")[:40]
    resources: dict[str, Any] = test_types_ecs.service(cloud.role(name), "image:one")
    resources["Vpc"] = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}}
    for number, zone in enumerate(ZONES):
        resources[f"Subnet{number}"] = {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": f"10.7.{number}.0/24",
                "AvailabilityZone": zone,
            },
        }
    subnets = [{"Ref": f"Subnet{number}"} for number in range(3)]
    resources["Service"]["Properties"] |= {
        "DesiredCount": 3,
        "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": subnets}},
    }
    cloud.deploy(name, resources)
    yield resources
    cloud.delete(name)


def running(cloud: Cloud) -> dict[str, dict[str, Any]]:
    ecs = cloud.client("ecs")
    arns = ecs.list_tasks(cluster=NAME, serviceName=NAME)["taskArns"]
    tasks = ecs.describe_tasks(cluster=NAME, tasks=arns)["tasks"] if arns else []
    return {task["taskArn"]: task for task in tasks}


def zones(tasks: dict[str, dict[str, Any]]) -> Counter[str]:
    return Counter(task["availabilityZone"] for task in tasks.values())


@pytest.mark.usefixtures("service")
def test_a_services_tasks_are_spread_over_the_zones_of_its_subnets(cloud: Cloud) -> None:
    tasks = running(cloud)

    assert zones(tasks) == dict.fromkeys(ZONES, 1)
    for task in tasks.values():
        assert (task["lastStatus"], task["launchType"]) == ("RUNNING", "FARGATE")
        assert task["group"] == f"service:{NAME}"
        assert task["startedAt"]
        assert "containerInstanceArn" not in task

    cloud.client("ecs").update_service(cluster=NAME, service=NAME, desiredCount=6)
    assert zones(running(cloud)) == dict.fromkeys(ZONES, 2)
    cloud.client("ecs").update_service(cluster=NAME, service=NAME, desiredCount=2)
    assert len(running(cloud)) == 2


@pytest.mark.usefixtures("service")
def test_a_task_that_is_stopped_is_told_of_and_replaced_in_its_zone(
    cloud: Cloud, told: Told
) -> None:
    before = running(cloud)
    victim = next(arn for arn, task in before.items() if task["availabilityZone"] == ZONES[1])

    cloud.client("ecs").stop_task(cluster=NAME, task=victim, reason="game day")

    assert running(cloud).keys() == before.keys() - {victim}
    after = eventually(lambda: running(cloud), 10, lambda tasks: len(tasks) == 3)
    assert victim not in after
    assert zones(after) == zones(before)
    stopped, started = eventually(told, 10, lambda seen: len(seen) == 2)
    assert (stopped["taskArn"], stopped["lastStatus"]) == (victim, "STOPPED")
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "game day")
    assert stopped["group"] == f"service:{NAME}"
    assert stopped["clusterArn"].endswith(f":cluster/{NAME}")
    assert {started["taskArn"]} == after.keys() - before.keys()
    assert (started["lastStatus"], started["desiredStatus"]) == ("RUNNING", "RUNNING")
    (described,) = cloud.client("ecs").describe_services(cluster=NAME, services=[NAME])["services"]
    assert described["runningCount"] == 3


def test_a_deployment_replaces_every_task_and_says_that_the_service_did(
    cloud: Cloud, told: Told, service: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    before = running(cloud)
    service["Task"]["Properties"]["ContainerDefinitions"][0]["Image"] = "image:two"

    cloud.deploy(request.node.name.replace("_", "-")[:40], service)

    after = running(cloud)
    assert before.keys().isdisjoint(after)
    assert zones(after) == dict.fromkeys(ZONES, 1)
    stopped = eventually(
        lambda: [event for event in told() if event["lastStatus"] == "STOPPED"],
        10,
        lambda seen: len(seen) == 3,
    )
    assert {event["taskArn"] for event in stopped} == before.keys()
    assert {event["stopCode"] for event in stopped} == {"ServiceSchedulerInitiated"}
