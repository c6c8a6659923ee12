"""Gap: CloudFormation does not know flow logs and single rules of security groups.

MiniStack's EC2 has them all; the handlers here call it.

Test: tests/contract/local/test_types_network.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local import gateway, resource_types

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES = resource_types.PATCHES
TYPES: tuple[str, ...] = (
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::NatGateway",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register("AWS::EC2::EIP", _create_address, _delete_address)
    resource_types.register("AWS::EC2::FlowLog", _create_flow_log, _delete_flow_log)
    resource_types.register("AWS::EC2::NatGateway", _create_nat_gateway, _delete_nat_gateway)
    for direction in ("Egress", "Ingress"):
        create, delete = _rule(direction)
        resource_types.register(f"AWS::EC2::SecurityGroup{direction}", create, delete)


def _create_address(_: str, properties: Properties, __: str) -> Created:
    answer = gateway.call("ec2", "AllocateAddress", {"Domain": "vpc"} | properties)
    keys = ("AllocationId", "PublicIp")
    return answer["PublicIp"], {key: answer[key] for key in keys}


def _delete_address(address: str, _: Properties) -> None:
    found = gateway.call("ec2", "DescribeAddresses", {"PublicIps": [address]})["Addresses"]
    for each in found:
        gateway.call("ec2", "ReleaseAddress", {"AllocationId": each["AllocationId"]})


def _create_flow_log(_: str, properties: Properties, __: str) -> Created:
    wanted = properties | {"ResourceIds": [properties["ResourceId"]]}
    wanted.pop("Tags", None)
    identity = gateway.call("ec2", "CreateFlowLogs", wanted)["FlowLogIds"][0]
    return identity, {"Id": identity}


def _delete_flow_log(identity: str, _: Properties) -> None:
    gateway.call("ec2", "DeleteFlowLogs", {"FlowLogIds": [identity]})


def _create_nat_gateway(_: str, properties: Properties, __: str) -> Created:
    wanted = {key: value for key, value in properties.items() if key != "Tags"}
    identity = gateway.call("ec2", "CreateNatGateway", wanted)["NatGateway"]["NatGatewayId"]
    return identity, {"NatGatewayId": identity}


def _delete_nat_gateway(identity: str, _: Properties) -> None:
    gateway.call("ec2", "DeleteNatGateway", {"NatGatewayId": identity})


def _rule(
    direction: str,
) -> tuple[Callable[[str, Properties, str], Created], Callable[[str, Properties], None]]:
    other = "SourceSecurityGroupId" if direction == "Ingress" else "DestinationSecurityGroupId"
    prefix_list = "SourcePrefixListId" if direction == "Ingress" else "DestinationPrefixListId"

    def create(_: str, properties: Properties, __: str) -> Created:
        permission = {
            key: properties[key]
            for key in ("IpProtocol", "FromPort", "ToPort")
            if key in properties
        }
        for key, ranges, member in (
            ("CidrIp", "IpRanges", "CidrIp"),
            ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
            (other, "UserIdGroupPairs", "GroupId"),
            (prefix_list, "PrefixListIds", "PrefixListId"),
        ):
            if key in properties:
                described = properties.get("Description", "")
                permission[ranges] = [{member: properties[key], "Description": described}]
        wanted = {"GroupId": properties["GroupId"], "IpPermissions": [permission]}
        answer = gateway.call("ec2", f"AuthorizeSecurityGroup{direction}", wanted)
        identity = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return identity, {"Id": identity}

    def delete(identity: str, properties: Properties) -> None:
        wanted = {"GroupId": properties["GroupId"], "SecurityGroupRuleIds": [identity]}
        gateway.call("ec2", f"RevokeSecurityGroup{direction}", wanted)

    return create, delete
