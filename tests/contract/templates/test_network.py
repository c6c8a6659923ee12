"""The network: three zones, three kinds of subnets, one way out and none in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.contract.templates import deployed, grants, house, policies

if TYPE_CHECKING:
    from tests.contract.templates.wires import Resource, Tree

ZONES = [f"{house.REGION}{zone}" for zone in "abc"]
# The endpoints behind the actions of a service, where they are not called as it.
BEHIND = {"kinesis": ["kinesis-streams"], "ecr": ["ecr.api", "ecr.dkr"]}
# Never asked over an endpoint: mounts and logins are connections.
NEVER_THROUGH = {"ec2", "elasticfilesystem", "rds-db"}
BY_AWS_ITSELF = re.compile(r"Lambda[A-Z]|.*ForIt$")
BUCKETS_OF_AWS = {
    "cloudformation-custom-resource-response-eucentral1": "a custom resource answers there",
    "prod-eu-central-1-starport-layer-bucket": "ECR keeps the layers of images there",
}


def zone(tree: Tree, subnet: Resource) -> str:
    return str(deployed.text(tree, subnet.stack, subnet.properties["AvailabilityZone"]))


def subnets(tree: Tree, kind: str) -> list[Resource]:
    return [it for it in tree.resources("AWS::EC2::Subnet") if it.logical_id.startswith(kind)]


def test_each_kind_of_subnet_stands_in_three_zones() -> None:
    tree = deployed.platform("prod")
    for kind in ("Public", "Private", "Data"):
        assert [zone(tree, it) for it in subnets(tree, kind)] == ZONES, kind
    blocks = [
        it.properties["CidrBlock"]["Fn::Select"][0] for it in tree.resources("AWS::EC2::Subnet")
    ]
    assert sorted(blocks) == list(range(9))


def test_no_subnet_hands_out_public_addresses() -> None:
    for subnet in deployed.platform().resources("AWS::EC2::Subnet"):
        assert not subnet.properties.get("MapPublicIpOnLaunch", False), subnet


def table(tree: Tree, subnet: Resource) -> Resource:
    for it in tree.resources("AWS::EC2::SubnetRouteTableAssociation"):
        if tree.made(it.stack, it.properties["SubnetId"]) == [subnet]:
            (found,) = tree.made(it.stack, it.properties["RouteTableId"])
            return found
    raise AssertionError(f"{subnet} has no routes of its own")


def routes(tree: Tree, subnet: Resource) -> list[Resource]:
    own = table(tree, subnet)
    return [
        it
        for it in tree.resources("AWS::EC2::Route")
        if tree.made(it.stack, it.properties["RouteTableId"]) == [own]
    ]


def test_no_route_leaves_the_network_from_where_data_is_kept() -> None:
    tree = deployed.platform("prod")
    for subnet in subnets(tree, "Data"):
        assert routes(tree, subnet) == [], subnet


def test_in_production_each_zone_leaves_through_a_gateway_of_its_own() -> None:
    tree = deployed.platform("prod")
    for subnet in subnets(tree, "Private"):
        (route,) = routes(tree, subnet)
        (gateway,) = tree.made(route.stack, route.properties["NatGatewayId"])
        (stands_in,) = tree.made(gateway.stack, gateway.properties["SubnetId"])
        assert zone(tree, stands_in) == zone(tree, subnet)
        assert stands_in.logical_id.startswith("Public")


def test_a_developers_stack_has_one_gateway_and_every_zone_uses_it() -> None:
    tree = deployed.platform("dev")
    (gateway,) = tree.resources("AWS::EC2::NatGateway")
    for subnet in subnets(tree, "Private"):
        (route,) = routes(tree, subnet)
        assert tree.made(route.stack, route.properties["NatGatewayId"]) == [gateway]


def test_stores_stand_in_data_subnets_and_what_computes_in_private_ones() -> None:
    tree = deployed.platform("prod")
    placed = {
        "AWS::RDS::DBSubnetGroup": ("SubnetIds", "Data"),
        "AWS::RDS::DBProxy": ("VpcSubnetIds", "Data"),
        "AWS::ElastiCache::SubnetGroup": ("SubnetIds", "Data"),
        "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Subnets", "Private"),
        "AWS::ApiGatewayV2::VpcLink": ("SubnetIds", "Private"),
    }
    for kind, (key, where) in placed.items():
        for it in tree.resources(kind):
            assert tree.made(it.stack, it.properties[key]) == subnets(tree, where), it
    for service in tree.resources("AWS::ECS::Service"):
        network = service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert tree.made(service.stack, network["Subnets"]) == subnets(tree, "Private")
        assert network["AssignPublicIp"] == "DISABLED"
    mounts = [
        subnet
        for it in tree.resources("AWS::EFS::MountTarget")
        for subnet in tree.made(it.stack, it.properties["SubnetId"])
    ]
    assert mounts == subnets(tree, "Data")


def test_names_of_awss_services_resolve_inside() -> None:
    """Mount targets and endpoints are found by name."""
    (vpc,) = deployed.platform().resources("AWS::EC2::VPC")

    assert vpc.properties["EnableDnsSupport"] is True
    assert vpc.properties["EnableDnsHostnames"] is True


def service(tree: Tree, endpoint: Resource) -> str:
    name = str(deployed.text(tree, endpoint.stack, endpoint.properties["ServiceName"]))
    return name.removeprefix(f"com.amazonaws.{house.REGION}.")


def endpoints(tree: Tree, kind: str) -> dict[str, Resource]:
    return {
        service(tree, it): it
        for it in tree.resources("AWS::EC2::VPCEndpoint")
        if it.properties["VpcEndpointType"] == kind
    }


def calls(tree: Tree) -> set[str]:
    """The actions that code inside the network performs itself, not AWS on its behalf."""
    inside = [
        role
        for it in tree.resources("AWS::Lambda::Function")
        if "VpcConfig" in it.properties
        for role in tree.made(it.stack, it.properties["Role"])
    ]
    tasks = [
        role
        for it in tree.resources("AWS::ECS::TaskDefinition")
        for key in ("TaskRoleArn", "ExecutionRoleArn")
        for role in tree.made(it.stack, it.properties[key])
    ]
    held = [
        *(it for it in grants.grants(tree, *inside) if not BY_AWS_ITSELF.match(it.sid)),
        *grants.grants(tree, *tasks),
    ]
    actions = {
        action
        for it in held
        if "kms:ViaService" not in str(it.statement.get("Condition"))  # the service asks
        for action in it.actions
    }
    return {it for it in actions if it.partition(":")[0] not in NEVER_THROUGH}


def test_whatever_is_called_from_inside_has_an_endpoint_that_lets_it_through() -> None:
    tree = deployed.platform("prod")
    found = endpoints(tree, "Interface") | endpoints(tree, "Gateway")
    who = f"arn:aws:iam::{deployed.ACCOUNT}:role/somebody"
    sent = {"aws:PrincipalAccount": deployed.ACCOUNT, "aws:ResourceAccount": deployed.ACCOUNT}
    called = calls(tree)

    assert len(called) > 8
    for action in called:
        prefix = action.partition(":")[0]
        for name in BEHIND.get(prefix, [prefix]):
            document = deployed.text(tree, found[name].stack, found[name].properties)
            asked = policies.Request(who, action, "x", sent)
            only_here = name == "ecr.dkr" and action == "ecr:GetAuthorizationToken"
            assert only_here or policies.admits(document["PolicyDocument"], asked), (name, action)


def test_no_endpoint_costs_money_that_nobody_calls() -> None:
    tree = deployed.platform("prod")
    called = {
        name
        for action in calls(tree)
        for name in BEHIND.get(action.partition(":")[0], [action.partition(":")[0]])
    }

    assert endpoints(tree, "Interface").keys() == called - endpoints(tree, "Gateway").keys()
    for it in endpoints(tree, "Interface").values():
        assert it.properties["PrivateDnsEnabled"] is True, it
        assert tree.made(it.stack, it.properties["SubnetIds"]) == subnets(tree, "Private"), it


def test_s3_is_reached_without_a_gateway_that_costs_money_in_every_environment() -> None:
    for environment in deployed.ENVIRONMENTS:
        assert "s3" in endpoints(deployed.platform(environment), "Gateway"), environment


def test_every_endpoint_lets_this_account_reach_its_own_and_nothing_else() -> None:
    tree = deployed.platform("prod")
    for endpoint in tree.resources("AWS::EC2::VPCEndpoint"):
        document = deployed.text(tree, endpoint.stack, endpoint.properties["PolicyDocument"])
        for statement in policies.statements(document):
            for action in policies.many(statement["Action"]):
                for caller, owner in (("our", "our"), ("our", "their"), ("their", "our")):
                    admitted = policies.admits(document, between(action, caller, owner))
                    assert admitted is (caller == owner), (endpoint, action)


def between(action: str, caller: str, owner: str) -> policies.Request:
    accounts = {"our": deployed.ACCOUNT, "their": "999999999999"}
    who = f"arn:aws:iam::{accounts[caller]}:role/somebody"
    sent = {"aws:PrincipalAccount": accounts[caller], "aws:ResourceAccount": accounts[owner]}
    return policies.Request(who, action, "arn:aws:s3:::any-bucket/x", sent)


def test_the_way_to_s3_lets_through_what_aws_itself_keeps_there() -> None:
    """Without these a custom resource never answers and no image is ever pulled."""
    tree = deployed.platform()
    (endpoint,) = [
        it for it in tree.resources("AWS::EC2::VPCEndpoint") if service(tree, it) == "s3"
    ]
    document = deployed.text(tree, endpoint.stack, endpoint.properties["PolicyDocument"])
    who = f"arn:aws:iam::{deployed.ACCOUNT}:role/somebody"
    for bucket, action in zip(BUCKETS_OF_AWS, ("s3:PutObject", "s3:GetObject"), strict=True):
        sent = {"aws:PrincipalAccount": deployed.ACCOUNT, "aws:ResourceAccount": "999999999999"}
        asked = policies.Request(who, action, f"arn:aws:s3:::{bucket}/x", sent)
        assert policies.admits(document, asked), bucket
