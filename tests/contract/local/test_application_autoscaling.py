"""A stack's scalable targets and policies are kept, changed in place, and refused as AWS would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


def readers(least: int, most: int, target: float = 60) -> dict[str, Any]:
    """A template's resources that scale a cluster's readers."""
    return {
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {
                "ServiceNamespace": "rds",
                "ScalableDimension": "rds:cluster:ReadReplicaCount",
                "ResourceId": "cluster:some-cluster",
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
