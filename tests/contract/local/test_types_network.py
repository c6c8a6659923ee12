"""A stack makes addresses, NAT gateways and flow logs, changes none twice, and takes all away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


def network(tag: str, traffic: str = "ALL") -> dict[str, Any]:
    def tagged(kind: str, **properties: Any) -> dict[str, Any]:
        tags = [{"Key": "Name", "Value": tag}]
        return {"Type": f"AWS::EC2::{kind}", "Properties": properties | {"Tags": tags}}

    log = {"LogGroupName": "/contract/flow", "DeliverLogsPermissionArn": "arn:aws:iam::0:role/x"}
    return {
        "Vpc": tagged("VPC", CidrBlock="10.9.0.0/16"),
        "Subnet": tagged("Subnet", VpcId={"Ref": "Vpc"}, CidrBlock="10.9.0.0/24"),
        "Address": tagged("EIP", Domain="vpc"),
        "Gateway": tagged(
            "NatGateway",
            AllocationId={"Fn::GetAtt": ["Address", "AllocationId"]},
            SubnetId={"Ref": "Subnet"},
        ),
        "Log": tagged(
            "FlowLog", ResourceId={"Ref": "Vpc"}, ResourceType="VPC", TrafficType=traffic, **log
        ),
    }


OUTPUTS = {
    "Gateway": {"Value": {"Ref": "Gateway"}},
    "Allocation": {"Value": {"Fn::GetAtt": ["Address", "AllocationId"]}},
    "Log": {"Value": {"Fn::GetAtt": ["Log", "Id"]}},
}


def test_network_types_live_and_die_with_their_stack(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")

    def deploy(*arguments: str) -> dict[str, str]:
        stack = cloud.deploy("types-network", network(*arguments), Outputs=OUTPUTS)
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def there() -> tuple[set[str], set[str], set[str]]:
        gateways = ec2.describe_nat_gateways()["NatGateways"]
        return (
            {each["NatGatewayId"] for each in gateways if each["State"] == "available"},
            {each["AllocationId"] for each in ec2.describe_addresses()["Addresses"]},
            {each["FlowLogId"] for each in ec2.describe_flow_logs()["FlowLogs"]},
        )

    made = deploy("one")
    assert there() == ({made["Gateway"]}, {made["Allocation"]}, {made["Log"]})
    assert deploy("two") == made
    assert there() == ({made["Gateway"]}, {made["Allocation"]}, {made["Log"]})

    replaced = deploy("two", "REJECT")
    assert replaced["Log"] != made["Log"]
    assert there() == ({made["Gateway"]}, {made["Allocation"]}, {replaced["Log"]})
    assert ec2.describe_flow_logs()["FlowLogs"][0]["TrafficType"] == "REJECT"

    cloud.delete("types-network")
    assert there() == (set(), set(), set())
