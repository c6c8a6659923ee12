from __future__ import annotations

import pytest

from tests.contract.templates import house

# The property that names a resource, and how long AWS lets it be where the schema does not say.
NAME_OF = {
    "AWS::CloudWatch::Alarm": ("AlarmName", 255),
    "AWS::DynamoDB::Table": ("TableName", 255),
    "AWS::EC2::SecurityGroup": ("GroupName", 255),
    "AWS::ElastiCache::ReplicationGroup": ("ReplicationGroupId", 40),
    "AWS::ElastiCache::SubnetGroup": ("CacheSubnetGroupName", 255),
    "AWS::ElastiCache::User": ("UserId", 40),
    "AWS::ElastiCache::UserGroup": ("UserGroupId", 40),
    "AWS::Events::Archive": ("ArchiveName", 48),
    "AWS::Events::EventBus": ("Name", 256),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", 128),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::KMS::Alias": ("AliasName", 256),
    "AWS::Kinesis::Stream": ("Name", 128),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Lambda::LayerVersion": ("LayerName", 140),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::RDS::DBCluster": ("DBClusterIdentifier", 63),
    "AWS::RDS::DBClusterParameterGroup": ("DBClusterParameterGroupName", 255),
    "AWS::RDS::DBInstance": ("DBInstanceIdentifier", 63),
    "AWS::RDS::DBParameterGroup": ("DBParameterGroupName", 255),
    "AWS::RDS::DBSubnetGroup": ("DBSubnetGroupName", 255),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::SSM::Parameter": ("Name", 1011),
}
# AWS gives these their names; people find them by their tag or through their parent.
NAMELESS = {
    "AWS::CloudFormation::Stack",
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::ElastiCache::ParameterGroup",
    "AWS::KMS::Key",
    "AWS::Lambda::EventSourceMapping",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
LONGEST_RUN_ID = "-r99"

RESOURCES = [
    (stack.name, logical_id, resource)
    for stack in house.as_deployed().values()
    for logical_id, resource in stack.resources().items()
    if not resource["Type"].startswith("Custom::")
]
NAMED = [(*it[:2], it[2]) for it in RESOURCES if it[2]["Type"] in NAME_OF]


def name(resource: house.Body) -> str:
    return house.text(resource["Properties"][NAME_OF[resource["Type"]][0]])


def test_every_type_is_either_named_or_known_to_be_nameless() -> None:
    assert {resource["Type"] for _, _, resource in RESOURCES} == NAME_OF.keys() | NAMELESS


@pytest.mark.parametrize(
    "resource", [it[2] for it in NAMED], ids=[f"{it[0]}-{it[1]}" for it in NAMED]
)
def test_a_name_begins_with_the_project_ends_with_the_suffix_and_fits(resource: house.Body) -> None:
    kind = resource["Type"]
    property_, longest = NAME_OF[kind]
    declared = house.schema(kind)["properties"][property_].get("maxLength", longest)

    assert "streamflix" in name(resource)
    assert house.LONGEST_SUFFIX in name(resource)
    assert len(name(resource)) <= min(longest, declared)


def test_no_two_resources_of_a_kind_have_the_same_name() -> None:
    names = [(resource["Type"], name(resource)) for _, _, resource in NAMED]

    assert sorted(names) == sorted(set(names))


def test_a_restored_cluster_still_has_room_for_its_run() -> None:
    cluster = house.children()["Aurora"].resources()["Cluster"]["Properties"]

    assert len(house.text(cluster["DBClusterIdentifier"]) + LONGEST_RUN_ID) <= 63


def test_things_of_the_network_are_found_by_a_name_with_the_suffix() -> None:
    network = house.children()["Network"].resources()
    named = {
        logical_id: [
            t["Value"] for t in resource["Properties"].get("Tags", []) if t["Key"] == "Name"
        ]
        for logical_id, resource in network.items()
        if resource["Type"].removeprefix("AWS::EC2::")
        in {"VPC", "Subnet", "RouteTable", "NatGateway", "EIP", "InternetGateway"}
    }

    assert len(named) == 22
    for logical_id, found in named.items():
        assert len(found) == 1, logical_id
        assert house.LONGEST_SUFFIX in house.text(found[0]), logical_id


def test_the_stream_is_not_named_after_people() -> None:
    personal = ("email", "account", "profile", "user-")
    assert [
        name(resource)
        for _, _, resource in NAMED
        if any(word in name(resource).lower() for word in personal)
    ] == []
