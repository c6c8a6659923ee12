"""Game days break what they mean to break, in this environment, and end when it is too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.templates import deployed, grants, house, policies

if TYPE_CHECKING:
    from tests.contract.templates.wires import Resource, Tree

EXPERIMENT = "AWS::FIS::ExperimentTemplate"
ALARM = "AWS::CloudWatch::Alarm"
# What FIS documents that an action needs, beside what every experiment does.
NEEDS = {
    "aws:ecs:stop-task": {"ecs:DescribeTasks", "ecs:ListTasks", "ecs:StopTask"},
    "aws:elasticache:replicationgroup-interrupt-az-power": {
        "elasticache:DescribeReplicationGroups",
        "elasticache:InterruptClusterAzPower",
    },
    "aws:fis:inject-api-unavailable-error": {"fis:InjectApiUnavailableError"},
    "aws:kinesis:stream-provisioned-throughput-exception": {
        "kinesis:DescribeStreamSummary",
        "kinesis:InjectApiError",
    },
    "aws:rds:failover-db-cluster": {"rds:DescribeDBClusters", "rds:FailoverDBCluster"},
}
ALWAYS = {
    "cloudwatch:DescribeAlarms",
    "logs:CreateLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:PutResourcePolicy",
    "tag:GetResources",
}
# The alarms that a fault must ring, so that they cannot be what ends it.
INTENDED = {"aws:rds:failover-db-cluster": "DatabaseWritesFailingAlarm"}


def experiments(tree: Tree) -> dict[str, Resource]:
    """By what they do."""
    return {it.properties["Actions"]["fault"]["ActionId"]: it for it in tree.resources(EXPERIMENT)}


def test_there_is_one_experiment_for_each_failure_that_is_to_be_survived() -> None:
    assert experiments(deployed.platform("prod")).keys() == NEEDS.keys()


def test_what_has_no_second_is_not_broken_on_purpose() -> None:
    """A developer's platform has one of each: no reader, no replica, one task."""
    assert {it.split(":")[1] for it in experiments(deployed.platform("dev"))} == {"fis", "kinesis"}


@pytest.mark.parametrize("action", NEEDS)
def test_an_experiment_ends_at_an_alarm_that_it_does_not_mean_to_ring(action: str) -> None:
    tree = deployed.platform("prod")
    experiment = experiments(tree)[action]
    conditions = experiment.properties["StopConditions"]
    alarms = [tree.made(experiment.stack, it["Value"]) for it in conditions]

    assert {it["Source"] for it in conditions} == {"aws:cloudwatch:alarm"}
    assert [[each.kind for each in found] for found in alarms] == [[ALARM]] * len(conditions)
    assert INTENDED.get(action) not in {found[0].logical_id for found in alarms}
    assert all(tree.before(found[0], experiment) for found in alarms)


@pytest.mark.parametrize("action", NEEDS)
def test_an_experiment_begins_only_when_all_is_well_and_fails_unless_it_is_again(
    action: str,
) -> None:
    actions = experiments(deployed.platform("prod"))[action].properties["Actions"]
    order = {name: it.get("StartAfter", []) for name, it in actions.items()}

    assert order == {
        "healthy": [],
        "fault": ["healthy"],
        "settle": ["fault"],
        "recovered": ["settle"],
    }
    for check in (actions["healthy"], actions["recovered"]):
        assert check["ActionId"] == "aws:cloudwatch:assert-alarm-state"
        assert check["Parameters"]["alarmStates"] == "OK"


@pytest.mark.parametrize("action", NEEDS)
def test_an_experiment_finds_things_of_this_environment_or_nothing(action: str) -> None:
    tree = deployed.platform("prod")
    experiment = experiments(tree)[action]
    ((_, target),) = experiment.properties["Targets"].items()
    read: dict[str, Any] = deployed.text(tree, experiment.stack, target)
    named = [
        *read.get("ResourceArns", []),
        *read.get("ResourceTags", {}).values(),
        *read.get("Parameters", {}).values(),
    ]

    assert experiment.properties["ExperimentOptions"] == {
        "AccountTargeting": "single-account",
        "EmptyTargetResolutionMode": "fail",
    }
    assert any(it.endswith(house.LONGEST_SUFFIX) for it in named), named
    assert all(it.endswith(house.LONGEST_SUFFIX) for it in read.get("ResourceArns", []))


@pytest.mark.parametrize("action", NEEDS)
def test_an_experiment_may_do_what_its_action_needs_and_nothing_else(action: str) -> None:
    tree = deployed.platform("prod")
    experiment = experiments(tree)[action]
    (role,) = tree.made(experiment.stack, experiment.properties["RoleArn"])
    held = {it for grant in grants.grants(tree, role) for it in grant.actions}

    assert held == NEEDS[action] | ALWAYS


def test_an_experiment_breaks_ours_and_no_neighbours() -> None:
    tree, ours = deployed.platform("prod"), house.LONGEST_SUFFIX
    arn = f"arn:aws:{{}}:{house.REGION}:{deployed.ACCOUNT}:{{}}"
    tried = {
        "aws:rds:failover-db-cluster": (
            "rds:FailoverDBCluster",
            "rds",
            "cluster:streamflix-aurora-",
        ),
        "aws:ecs:stop-task": ("ecs:StopTask", "ecs", "task/streamflix-service-"),
        "aws:elasticache:replicationgroup-interrupt-az-power": (
            "elasticache:InterruptClusterAzPower",
            "elasticache",
            "replicationgroup:streamflix-redis-",
        ),
    }
    for action, (call, service, name) in tried.items():
        experiment = experiments(tree)[action]
        (role,) = tree.made(experiment.stack, experiment.properties["RoleArn"])
        end = "/1" if service == "ecs" else ""
        for suffix, expected in ((ours, True), ("other", False)):
            resource = arn.format(service, f"{name}{suffix}{end}")
            asked = policies.Request(grants.arn(tree, role), call, resource)
            assert grants.allowed(tree, role, asked) is expected, (action, suffix)


def test_the_stream_is_throttled_only_by_that_action_and_only_ours() -> None:
    tree = deployed.platform("prod")
    experiment = experiments(tree)["aws:kinesis:stream-provisioned-throughput-exception"]
    (role,) = tree.made(experiment.stack, experiment.properties["RoleArn"])
    (grant,) = [it for it in grants.grants(tree, role) if "kinesis:InjectApiError" in it.actions]
    condition = grant.statement["Condition"]
    fixed = condition["ForAllValues:StringEquals"]

    (target,) = experiment.properties["Targets"].values()
    assert tree.made(grant.policy.stack, fixed["kinesis:FisTargetArns"][0]) == tree.made(
        experiment.stack, target["ResourceArns"][0]
    )
    assert fixed["kinesis:FisActionId"] == ["aws:kinesis:stream-provisioned-throughput-exception"]
    assert condition["Null"] == {"kinesis:FisTargetArns": False}


def test_nothing_of_ours_may_start_an_experiment() -> None:
    for grant in grants.grants(deployed.platform()):
        assert not {it for it in grant.actions if it.startswith("fis:Start")}, grant
