"""A stack's scalable targets and policies are kept, changed in place, and refused as AWS would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.local.conftest import allow, refusal

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


SCALING = "application-autoscaling"
CLUSTER = "some-cluster"
TARGET = {
    "ServiceNamespace": "rds",
    "ScalableDimension": "rds:cluster:ReadReplicaCount",
    "ResourceId": f"cluster:{CLUSTER}",
}
SUSPENDED = {
    "DynamicScalingInSuspended": True,
    "DynamicScalingOutSuspended": True,
    "ScheduledScalingSuspended": True,
}
RESUMED = dict.fromkeys(SUSPENDED, False)


@pytest.fixture(scope="module", autouse=True)
def cluster(cloud: Cloud) -> None:
    """Of another engine, so that no server starts."""
    cloud.client("rds").create_db_cluster(
        DBClusterIdentifier=CLUSTER,
        Engine="aurora-mysql",
        MasterUsername="master",
        MasterUserPassword="of nobody's cluster",
    )


def targets(cloud: Cloud, **chosen: Any) -> list[dict[str, Any]]:
    answer = cloud.client(SCALING).describe_scalable_targets(ServiceNamespace="rds", **chosen)
    return list(answer["ScalableTargets"])


def readers(least: int, most: int, target: float = 60) -> dict[str, Any]:
    """A template's resources that scale a cluster's readers."""
    return {
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {
                **TARGET,
                "MinCapacity": least,
                "MaxCapacity": most,
                "Tags": [{"Key": "Most", "Value": str(most)}],
            },
        },
        "Policy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": "some-readers",
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "TargetTrackingScalingPolicyConfiguration": {
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "RDSReaderAverageCPUUtilization"
                    },
                    "TargetValue": target,
                },
            },
        },
    }


OUTPUTS = {
    "Target": {"Value": {"Ref": "Target"}},
    "Id": {"Value": {"Fn::GetAtt": ["Target", "Id"]}},
    "Policy": {"Value": {"Ref": "Policy"}},
}
IDENTITY = "cluster:some-cluster|rds:cluster:ReadReplicaCount|rds"


def test_a_target_keeps_its_id_and_a_policy_its_arn_while_nothing_else_changes(
    cloud: Cloud,
) -> None:
    def deploy(*arguments: Any) -> dict[str, str]:
        stack = cloud.deploy("scaling", readers(*arguments), Outputs=OUTPUTS)
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    made = deploy(1, 4)
    assert (made["Target"], made["Id"]) == (IDENTITY, IDENTITY)
    assert made["Policy"].startswith("arn:aws:autoscaling:eu-central-1:")
    assert made["Policy"].endswith("/rds/cluster:some-cluster:policyName/some-readers")

    assert deploy(2, 6) == made

    cloud.delete("scaling")
    again = cloud.deploy("scaling-again", readers(1, 4))
    assert again["StackStatus"] == "CREATE_COMPLETE"
    cloud.delete("scaling-again")


def test_fewer_at_most_than_at_least_fails_the_stack(cloud: Cloud) -> None:
    stack = cloud.deploy("scaling-backwards", readers(2, 1))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloud.client("cloudformation").describe_stack_events(StackName="scaling-backwards")
    reasons = [each.get("ResourceStatusReason", "") for each in events["StackEvents"]]
    assert any("less than minimum capacity" in reason for reason in reasons)
    cloud.delete("scaling-backwards")


def test_a_target_is_registered_by_one_stack_only(cloud: Cloud) -> None:
    cloud.deploy("scaling-first", readers(1, 2))

    second = cloud.deploy("scaling-second", readers(1, 2))

    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    cloud.delete("scaling-second")
    cloud.delete("scaling-first")


def test_a_service_gets_the_tasks_that_are_the_least(cloud: Cloud) -> None:
    ecs = cloud.client("ecs")
    ecs.create_cluster(clusterName="scaled")
    ecs.register_task_definition(
        family="scaled", containerDefinitions=[{"name": "c", "image": "i", "memory": 64}]
    )
    ecs.create_service(
        cluster="scaled", serviceName="scaled", taskDefinition="scaled", desiredCount=1
    )
    target = {
        "ServiceNamespace": "ecs",
        "ScalableDimension": "ecs:service:DesiredCount",
        "ResourceId": "service/scaled/scaled",
        "MinCapacity": 3,
        "MaxCapacity": 5,
    }
    cloud.deploy(
        "scaled",
        {"Target": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": target}},
    )
    [service] = ecs.describe_services(cluster="scaled", services=["scaled"])["services"]
    assert service["desiredCount"] == 3


def test_a_suspension_outlives_an_update_of_the_stack_and_ends_by_a_call(cloud: Cloud) -> None:
    scaling = cloud.client(SCALING)
    cloud.deploy("scaling-suspended", readers(1, 4))
    [before] = targets(cloud, ResourceIds=[TARGET["ResourceId"]])

    arn = scaling.register_scalable_target(**TARGET, SuspendedState=SUSPENDED)["ScalableTargetARN"]
    [suspended] = targets(cloud)
    cloud.deploy("scaling-suspended", readers(2, 6))
    [updated] = targets(cloud)
    scaling.register_scalable_target(**TARGET, SuspendedState=RESUMED)
    [resumed] = targets(cloud)
    cloud.delete("scaling-suspended")

    assert before["SuspendedState"] == RESUMED
    assert suspended == before | {"SuspendedState": SUSPENDED}
    assert updated == suspended | {"MinCapacity": 2, "MaxCapacity": 6}
    assert resumed == updated | {"SuspendedState": RESUMED}
    assert arn == before["ScalableTargetARN"]
    assert before["RoleARN"].endswith("/AWSServiceRoleForApplicationAutoScaling_RDSCluster")
    assert targets(cloud) == []


def test_a_call_registers_once_and_changes_only_what_it_says(cloud: Cloud) -> None:
    register = cloud.client(SCALING).register_scalable_target
    assert refusal(register, **TARGET, SuspendedState=SUSPENDED) == "ValidationException"
    assert refusal(register, **TARGET, MinCapacity=3, MaxCapacity=2) == "ValidationException"
    nobodys = TARGET | {"ResourceId": "cluster:nobodys"}
    assert refusal(register, **nobodys, MinCapacity=1, MaxCapacity=2) == "ValidationException"
    assert targets(cloud) == []

    first = register(**TARGET, MinCapacity=1, MaxCapacity=4)
    partial = {"DynamicScalingInSuspended": True}
    again = register(**TARGET, MaxCapacity=3, SuspendedState=partial)
    [told] = targets(cloud, ScalableDimension=TARGET["ScalableDimension"])

    assert first["ScalableTargetARN"] == again["ScalableTargetARN"] == told["ScalableTargetARN"]
    assert (told["MinCapacity"], told["MaxCapacity"]) == (1, 3)
    assert told["SuspendedState"] == RESUMED | partial
    assert targets(cloud, ResourceIds=["cluster:nobodys"]) == []
    services = cloud.client(SCALING).describe_scalable_targets(ServiceNamespace="ecs")
    assert told not in services["ScalableTargets"]


def test_who_suspends_a_cluster_s_scaling_needs_the_target_and_all_that_scaling_does(
    cloud: Cloud,
) -> None:
    cloud.client(SCALING).register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4)
    scope = "arn:aws:application-autoscaling:eu-central-1:000000000000:scalable-target/*"
    of_readers = {f"{SCALING}:scalable-dimension": TARGET["ScalableDimension"]}
    registers = allow(
        f"{SCALING}:RegisterScalableTarget", scope, Condition={"StringEquals": of_readers}
    )
    through_scaling = {"Bool": {"aws:ViaAWSService": "true"}}
    scales = allow(
        [
            "rds:CreateDBInstance",
            "rds:DeleteDBInstance",
            "rds:AddTagsToResource",
            "rds:DescribeDBClusters",
            "rds:DescribeDBInstances",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:DeleteAlarms",
        ],
        "*",
        Condition=through_scaling,
    )

    def answer(name: str, *statements: dict[str, Any]) -> str:
        scaling = cloud.session(SCALING, name, *statements)
        return refusal(scaling.register_scalable_target, **TARGET, SuspendedState=RESUMED)

    assert answer("scaling-whole", registers, scales) == "none"
    assert answer("scaling-half", registers) == "ValidationException"
    assert answer("scaling-others", scales) == "AccessDeniedException"
    of_tables = {f"{SCALING}:scalable-dimension": "dynamodb:table:ReadCapacityUnits"}
    elsewhere = registers | {"Condition": {"StringEquals": of_tables}}
    assert answer("scaling-tables", elsewhere, scales) == "AccessDeniedException"
    rds = cloud.session("rds", "scaling-directly", scales)
    assert "AccessDenied" in refusal(rds.describe_db_clusters, DBClusterIdentifier=CLUSTER)
    looks = allow(f"{SCALING}:DescribeScalableTargets", "*")
    looking = cloud.session(SCALING, "scaling-looks", looks)
    assert refusal(looking.describe_scalable_targets, ServiceNamespace="rds") == "none"
