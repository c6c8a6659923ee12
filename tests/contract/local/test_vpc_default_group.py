"""A VPC is born with a group whose members may talk to each other and to the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.8.0.0/16"}}
GROUP = {"Group": {"Value": {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}}}


def rules(cloud: Cloud, group: str) -> tuple[list[Any], list[Any]]:
    found = cloud.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return found["IpPermissions"], found["IpPermissionsEgress"]


def test_the_default_group_admits_its_members_until_somebody_closes_it(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    stack = cloud.deploy("default-group", {"Vpc": VPC}, Outputs=GROUP)
    group = stack["Outputs"][0]["OutputValue"]

    ingress, egress = rules(cloud, group)
    assert [pair["GroupId"] for pair in ingress[0]["UserIdGroupPairs"]] == [group]
    assert [rule["CidrIp"] for rule in egress[0]["IpRanges"]] == ["0.0.0.0/0"]

    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=ingress)
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=egress)
    assert rules(cloud, group) == ([], [])

    cloud.delete("default-group")
