"""A protected load balancer stays; listeners and target groups are what their template says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

NAME = "types-balancer"
SERVER = "routing.http.response.server.enabled"


def balancer(*, protected: bool) -> dict[str, Any]:
    protection = {"Key": "deletion_protection.enabled", "Value": str(protected).lower()}
    return {
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Name": NAME, "LoadBalancerAttributes": [protection]},
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [
                    {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
                ],
                "ListenerAttributes": [{"Key": SERVER, "Value": "false"}],
            },
        },
    }


def test_a_protected_load_balancer_outlives_its_stack_until_it_is_let_go(cloud: Cloud) -> None:
    elb, cloudformation = cloud.client("elbv2"), cloud.client("cloudformation")
    identity = cloud.deploy("types-balancer", balancer(protected=True))["StackId"]
    (made,) = elb.describe_load_balancers(Names=[NAME])["LoadBalancers"]
    arn = made["LoadBalancerArn"]

    with pytest.raises(ClientError, match="deletion protection is enabled"):
        elb.delete_load_balancer(LoadBalancerArn=arn)
    cloudformation.delete_stack(StackName="types-balancer")
    assert cloud.settled(identity)["StackStatus"] == "DELETE_FAILED"
    assert len(elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]) == 1

    off = {"Key": "deletion_protection.enabled", "Value": "false"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[off])
    cloud.delete("types-balancer")
    assert arn not in {
        each["LoadBalancerArn"] for each in elb.describe_load_balancers()["LoadBalancers"]
    }


def test_a_listener_has_the_attributes_of_its_template(cloud: Cloud) -> None:
    elb = cloud.client("elbv2")
    cloud.deploy("types-balancer-listener", balancer(protected=False))
    (made,) = elb.describe_load_balancers(Names=[NAME])["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=made["LoadBalancerArn"])["Listeners"]

    found = elb.describe_listener_attributes(ListenerArn=listener["ListenerArn"])["Attributes"]
    assert {"Key": SERVER, "Value": "false"} in found

    cloud.delete("types-balancer-listener")


def test_a_target_groups_full_name_is_the_one_that_metrics_bear(cloud: Cloud) -> None:
    group = {"Name": NAME, "Port": 8080, "Protocol": "HTTP", "TargetType": "ip", "VpcId": "vpc-1"}
    stack = cloud.deploy(
        "types-balancer-group",
        {"Group": {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": group}},
        Outputs={
            "Arn": {"Value": {"Ref": "Group"}},
            "FullName": {"Value": {"Fn::GetAtt": ["Group", "TargetGroupFullName"]}},
        },
    )
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    assert outputs["FullName"].startswith(f"targetgroup/{NAME}/")
    assert outputs["Arn"].endswith(f":{outputs['FullName']}")

    cloud.delete("types-balancer-group")
