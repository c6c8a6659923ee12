"""Gap: CloudFormation does not know elastic addresses, NAT gateways, flow logs and single rules.

MiniStack's EC2 has them; the handlers here call it. None of their properties changes in place,
but for tags, which are not kept, and for a rule's description.

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

# A rule's other end: in a template, in the API's list, in the API's item.
OTHER_END = (
    ("CidrIp", "IpRanges", "CidrIp"),
    ("CidrIpv6", "Ipv6Ranges", "CidrIpv6"),
    ("SourcePrefixListId", "PrefixListIds", "PrefixListId"),
    ("DestinationPrefixListId", "PrefixListIds", "PrefixListId"),
    ("SourceSecurityGroupId", "UserIdGroupPairs", "GroupId"),
    ("DestinationSecurityGroupId", "UserIdGroupPairs", "GroupId"),
)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register("AWS::EC2::EIP", _create_address, _delete_address)
    resource_types.register("AWS::EC2::FlowLog", _create_flow_log, _delete_flow_log)
    resource_types.register("AWS::EC2::NatGateway", _create_nat_gateway, _delete_nat_gateway)
    for way in ("Ingress", "Egress"):
        resource_types.register(f"AWS::EC2::SecurityGroup{way}", *_rule_handlers(way))


def _create_address(_: str, properties: Properties, __: str) -> Created:
    made = gateway.call("ec2", "AllocateAddress", {"Domain": properties.get("Domain", "vpc")})
    return made["PublicIp"], {key: made[key] for key in ("AllocationId", "PublicIp")}


def _delete_address(address: str, _: Properties) -> None:
    found = gateway.call("ec2", "DescribeAddresses", {"PublicIps": [address]})["Addresses"]
    for each in found:
        gateway.call("ec2", "ReleaseAddress", {"AllocationId": each["AllocationId"]})


def _create_flow_log(_: str, properties: Properties, __: str) -> Created:
    wanted = resource_types.untagged(properties) | {"ResourceIds": [properties["ResourceId"]]}
    identity = gateway.call("ec2", "CreateFlowLogs", wanted)["FlowLogIds"][0]
    return identity, {"Id": identity}


def _delete_flow_log(identity: str, _: Properties) -> None:
    gateway.call("ec2", "DeleteFlowLogs", {"FlowLogIds": [identity]})


def _create_nat_gateway(_: str, properties: Properties, __: str) -> Created:
    made = gateway.call("ec2", "CreateNatGateway", resource_types.untagged(properties))
    identity = made["NatGateway"]["NatGatewayId"]
    return identity, {"NatGatewayId": identity}


def _delete_nat_gateway(identity: str, _: Properties) -> None:
    gateway.call("ec2", "DeleteNatGateway", {"NatGatewayId": identity})


def _rule_handlers(
    way: str,
) -> tuple[Callable[[str, Properties, str], Created], Callable[[str, Properties], None]]:
    def create(_: str, properties: Properties, __: str) -> Created:
        wanted = {"GroupId": properties["GroupId"], "IpPermissions": [_permission(properties)]}
        made = gateway.call("ec2", f"AuthorizeSecurityGroup{way}", wanted)
        identity = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return identity, {"Id": identity}

    def delete(identity: str, properties: Properties) -> None:
        rule = {"GroupId": properties["GroupId"], "SecurityGroupRuleIds": [identity]}
        gateway.call("ec2", f"RevokeSecurityGroup{way}", rule)

    return create, delete


def _permission(properties: Properties) -> Properties:
    described = {key: properties[key] for key in ("Description",) if key in properties}
    permission: Properties = {
        key: properties[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in properties
    }
    for name, ends, end in OTHER_END:
        if name in properties:
            permission[ends] = [{end: properties[name]} | described]
    return permission
