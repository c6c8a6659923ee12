"""A stack makes addresses, NAT gateways, flow logs and rules, and takes all away again."""

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


def doors(port: int) -> dict[str, Any]:
    """Two groups that name each other, which only single rules can say."""

    def rule(way: str, group: str, **more: Any) -> dict[str, Any]:
        properties = {"IpProtocol": "tcp", "FromPort": port, "ToPort": str(port)} | more
        return {
            "Type": f"AWS::EC2::SecurityGroup{way}",
            "Properties": properties | {"GroupId": {"Fn::GetAtt": [group, "GroupId"]}},
        }

    def group(name: str) -> dict[str, Any]:
        nowhere = {"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}
        properties = {"GroupDescription": name, "VpcId": {"Ref": "Vpc"}}
        return {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": properties | {"SecurityGroupEgress": [nowhere]},
        }

    def end(name: str) -> dict[str, Any]:
        return {"Fn::GetAtt": [name, "GroupId"]}

    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}},
        "Front": group("front"),
        "Back": group("back"),
        "In": rule("Ingress", "Back", SourceSecurityGroupId=end("Front"), Description="front"),
        "Out": rule("Egress", "Front", DestinationSecurityGroupId=end("Back")),
        "Wide": rule("Egress", "Front", CidrIp="10.7.0.0/16"),
    }


def test_single_rules_open_and_shut_with_their_stack(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    outputs = {name: {"Value": {"Fn::GetAtt": [name, "GroupId"]}} for name in ("Front", "Back")}

    def rules(group: str, way: str) -> list[Any]:
        found = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0][way]
        return [
            (rule["FromPort"], [it["GroupId"] for it in rule["UserIdGroupPairs"]], ends)
            for rule in found
            if (ends := [it["CidrIp"] for it in rule["IpRanges"]]) != ["127.0.0.1/32"]
        ]

    def deploy(port: int) -> tuple[str, str]:
        stack = cloud.deploy("types-rules", doors(port), Outputs=outputs)
        made = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        return made["Front"], made["Back"]

    front, back = deploy(80)
    assert rules(back, "IpPermissions") == [(80, [front], [])]
    assert rules(front, "IpPermissionsEgress") == [(80, [back], []), (80, [], ["10.7.0.0/16"])]

    assert deploy(90) == (front, back)
    assert rules(back, "IpPermissions") == [(90, [front], [])]
    assert rules(front, "IpPermissionsEgress") == [(90, [back], []), (90, [], ["10.7.0.0/16"])]

    cloud.delete("types-rules")
