"""Who may do what: roles, policies, network doors."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.contract.templates import house

# Calls that AWS offers for "*" only.
WITHOUT_RESOURCE = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
DATABASE_PORTS = {5432, 6379}
WORLD = {"0.0.0.0/0", "::/0"}

ROLES = [
    (stack, logical_id, role["Properties"])
    for stack in house.as_deployed().values()
    for logical_id, role in stack.resources("AWS::IAM::Role").items()
]
POLICIES = [
    (stack, logical_id, policy["Properties"])
    for stack in house.as_deployed().values()
    for logical_id, policy in stack.resources("AWS::IAM::ManagedPolicy").items()
]
every_role = pytest.mark.parametrize("role", [it[2] for it in ROLES], ids=[it[1] for it in ROLES])
every_policy = pytest.mark.parametrize(
    "policy", [it[2] for it in POLICIES], ids=[it[1] for it in POLICIES]
)
every_function = pytest.mark.parametrize(
    ("stack", "function"),
    [(stack, function) for stack, _, function in house.functions()],
    ids=[logical_id for _, logical_id, _ in house.functions()],
)


def statements(policy: house.Body) -> list[house.Body]:
    """The statements of a policy document, with both branches of a condition."""
    found: list[house.Body] = []
    for statement in policy["PolicyDocument"]["Statement"]:
        branches = statement.get("Fn::If", ["", statement])[1:]
        found += [branch for branch in branches if branch != {"Ref": "AWS::NoValue"}]
    return found


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@every_function
def test_a_function_has_a_role_of_its_own_beside_it(
    stack: house.Stack, function: house.Body
) -> None:
    role, attribute = function["Role"]["Fn::GetAtt"]

    assert attribute == "Arn"
    assert stack.resources()[role]["Type"] == "AWS::IAM::Role"
    users = [it for _, _, it in house.functions() if it["Role"] == function["Role"]]
    assert len(users) == 1
    assert function["FunctionName"] == stack.resources()[role]["Properties"]["RoleName"]


@every_role
def test_a_role_lists_its_policies_so_that_they_outlive_who_uses_it(role: house.Body) -> None:
    assert len(role["ManagedPolicyArns"]) >= 1
    assert "Policies" not in role


@every_role
def test_a_role_can_be_capped_and_is_for_one_service(role: house.Body) -> None:
    assert role["PermissionsBoundary"] == {
        "Fn::If": [
            "HasPermissionsBoundary",
            {"Ref": "PermissionsBoundary"},
            {"Ref": "AWS::NoValue"},
        ]
    }
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert list(statement["Principal"]) == ["Service"]
    assert isinstance(statement["Principal"]["Service"], str)


@every_policy
def test_a_policy_never_reaches_for_a_role(policy: house.Body) -> None:
    assert not {"Roles", "Users", "Groups"} & set(policy)


def test_there_is_no_other_kind_of_policy_on_a_role() -> None:
    for stack in house.as_deployed().values():
        assert stack.resources("AWS::IAM::Policy", "AWS::IAM::RolePolicy") == {}


@every_policy
def test_a_policy_names_its_actions_and_its_resources(policy: house.Body) -> None:
    for statement in statements(policy):
        assert not {"NotAction", "NotResource"} & set(statement)
        actions = set(many(statement["Action"]))
        assert [action for action in actions if "*" in action] == []
        if "*" in many(statement["Resource"]):
            assert actions - WITHOUT_RESOURCE == set()


@every_policy
def test_a_key_is_used_only_through_the_service_that_needs_it(policy: house.Body) -> None:
    for statement in statements(policy):
        if any(action.startswith("kms:") for action in many(statement["Action"])):
            assert "kms:ViaService" in statement["Condition"]["StringEquals"]


def test_only_lambda_itself_touches_network_interfaces() -> None:
    policy = house.children()["Network"].resources()["VpcFunctionPolicy"]["Properties"]
    allow, deny = statements(policy)

    assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")
    assert allow["Action"] == deny["Action"]
    assert "lambda:SourceFunctionArn" in deny["Condition"]["ArnLike"]


@every_function
def test_a_function_in_the_network_may_be_plugged_in(
    stack: house.Stack, function: house.Body
) -> None:
    role = stack.resources()[function["Role"]["Fn::GetAtt"][0]]["Properties"]

    assert function["VpcConfig"]["SubnetIds"] == {"Ref": "PrivateSubnetIds"}
    assert {"Ref": "VpcFunctionPolicyArn"} in role["ManagedPolicyArns"]


def ingress() -> list[tuple[str, house.Body]]:
    found = []
    for stack in house.everything():
        for logical_id, resource in stack.resources().items():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::EC2::SecurityGroup":
                found += [(logical_id, rule) for rule in properties.get("SecurityGroupIngress", [])]
            elif resource["Type"] == "AWS::EC2::SecurityGroupIngress":
                found.append((logical_id, properties))
    return found


def test_nothing_lets_the_world_in() -> None:
    assert [it for it in ingress() if {it[1].get("CidrIp"), it[1].get("CidrIpv6")} & WORLD] == []


def test_databases_admit_marks_never_addresses() -> None:
    doors = [rule for _, rule in ingress() if rule["FromPort"] in DATABASE_PORTS]

    assert {rule["FromPort"] for rule in doors} == DATABASE_PORTS
    for rule in doors:
        assert rule["FromPort"] == rule["ToPort"]
        assert "SourceSecurityGroupId" in rule
        assert not {"CidrIp", "CidrIpv6", "SourcePrefixListId"} & set(rule)


def test_every_security_group_says_where_it_may_go() -> None:
    for stack in house.everything():
        for logical_id, group in stack.resources("AWS::EC2::SecurityGroup").items():
            for rule in group["Properties"]["SecurityGroupEgress"]:
                open_door = str(rule.get("CidrIp")) in WORLD
                assert not open_door or rule["FromPort"] == rule["ToPort"] == 443, logical_id


def test_databases_live_where_no_route_leaves_the_network() -> None:
    network = house.children()["Network"].resources()
    routes = [
        route["Properties"]["RouteTableId"]["Ref"]
        for route in network.values()
        if route["Type"] == "AWS::EC2::Route"
    ]
    for zone in "ABC":
        association = network[f"DataSubnetRoutes{zone}"]["Properties"]
        assert association["SubnetId"] == {"Ref": f"DataSubnet{zone}"}
        assert association["RouteTableId"]["Ref"] not in routes


def test_each_kind_of_subnet_stands_in_three_zones() -> None:
    network = house.children()["Network"].resources("AWS::EC2::Subnet")
    zones = {
        kind: {
            subnet["Properties"]["AvailabilityZone"]["Fn::Select"][0]
            for logical_id, subnet in network.items()
            if logical_id.startswith(kind)
        }
        for kind in ("Public", "Private", "Data")
    }

    assert zones == {"Public": {0, 1, 2}, "Private": {0, 1, 2}, "Data": {0, 1, 2}}
    blocks = [subnet["Properties"]["CidrBlock"]["Fn::Select"][0] for subnet in network.values()]
    assert sorted(blocks) == list(range(9))


def test_topics_and_queues_refuse_what_comes_in_the_clear() -> None:
    guarded: set[str] = set()
    for stack in house.everything():
        policies = stack.resources("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy").values()
        for policy in policies:
            properties = policy["Properties"]
            denies = [
                it
                for it in statements(properties)
                if it["Effect"] == "Deny"
                and it["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            ]
            if denies:
                named = properties.get("Queues", []) + properties.get("Topics", [])
                guarded |= {it["Ref"] for it in named}
    kept = {
        logical_id
        for stack in house.everything()
        for logical_id in stack.resources("AWS::SQS::Queue", "AWS::SNS::Topic")
    }

    assert kept - guarded == set()


def test_no_template_holds_a_password() -> None:
    for stack in house.everything():
        for path, value in house.walk(stack.body["Resources"]):
            if path and re.search(r"(?i)password$|passwords$", path[-1]) and value != []:
                assert "{{resolve:secretsmanager:" in str(value), (stack.name, path)
