"""Gap: CloudFormation does not know elastic addresses, NAT gateways and flow logs.

MiniStack's EC2 has them; the handlers here call it. None of their properties changes in place,
but for tags, which are not kept.

Test: tests/contract/local/test_types_network.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local import gateway, resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES = resource_types.PATCHES
TYPES: tuple[str, ...] = ("AWS::EC2::EIP", "AWS::EC2::FlowLog", "AWS::EC2::NatGateway")


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register("AWS::EC2::EIP", _create_address, _delete_address)
    resource_types.register("AWS::EC2::FlowLog", _create_flow_log, _delete_flow_log)
    resource_types.register("AWS::EC2::NatGateway", _create_nat_gateway, _delete_nat_gateway)


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
