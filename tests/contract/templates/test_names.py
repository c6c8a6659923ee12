from __future__ import annotations

import pytest

from tests.contract.templates import house

# The property that names a resource, and how long AWS lets it be where the schema does not say.
NAME_OF = {
    "AWS::ApiGateway::RestApi": ("Name", 1024),
    "AWS::ApiGatewayV2::VpcLink": ("Name", 128),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("PolicyName", 256),
    "AWS::Backup::BackupVault": ("BackupVaultName", 50),
    "AWS::Backup::RestoreTestingPlan": ("RestoreTestingPlanName", 50),
    "AWS::Backup::RestoreTestingSelection": ("RestoreTestingSelectionName", 50),
    "AWS::CloudWatch::Alarm": ("AlarmName", 255),
    "AWS::CloudWatch::CompositeAlarm": ("AlarmName", 255),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::DynamoDB::Table": ("TableName", 255),
    "AWS::EC2::SecurityGroup": ("GroupName", 255),
    "AWS::ECS::Cluster": ("ClusterName", 255),
    "AWS::ECS::Service": ("ServiceName", 255),
    "AWS::ECS::TaskDefinition": ("Family", 255),
    "AWS::ElastiCache::ReplicationGroup": ("ReplicationGroupId", 40),
    "AWS::ElastiCache::SubnetGroup": ("CacheSubnetGroupName", 255),
    "AWS::ElastiCache::User": ("UserId", 40),
    "AWS::ElastiCache::UserGroup": ("UserGroupId", 40),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Name", 32),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("Name", 32),
    "AWS::Events::Archive": ("ArchiveName", 48),
    "AWS::Events::EventBus": ("Name", 256),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", 128),
    "AWS::IAM::Role": ("RoleName", 64),
    "AWS::KMS::Alias": ("AliasName", 256),
    "AWS::Kinesis::Stream": ("Name", 128),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::Lambda::LayerVersion": ("LayerName", 140),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::Logs::ResourcePolicy": ("PolicyName", 255),
    "AWS::RDS::DBCluster": ("DBClusterIdentifier", 63),
    "AWS::RDS::DBClusterParameterGroup": ("DBClusterParameterGroupName", 255),
    "AWS::RDS::DBInstance": ("DBInstanceIdentifier", 63),
    "AWS::RDS::DBParameterGroup": ("DBParameterGroupName", 255),
    "AWS::RDS::DBProxy": ("DBProxyName", 63),
    "AWS::RDS::DBProxyEndpoint": ("DBProxyEndpointName", 63),
    "AWS::RDS::DBSubnetGroup": ("DBSubnetGroupName", 255),
    "AWS::S3::Bucket": ("BucketName", 63),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::SSM::Parameter": ("Name", 1011),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
    "AWS::WAFv2::WebACL": ("Name", 128),
}
# AWS gives these their names; people find them by their tag or through their parent.
NAMELESS = {
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::Stage",
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::Backup::BackupPlan",
    "AWS::Backup::BackupSelection",
    "AWS::CloudFormation::Stack",
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::EFS::AccessPoint",
    "AWS::EFS::FileSystem",
    "AWS::EFS::MountTarget",
    "AWS::ElastiCache::ParameterGroup",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::FIS::ExperimentTemplate",
    "AWS::KMS::Key",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::RDS::DBProxyTargetGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::WAFv2::LoggingConfiguration",
    "AWS::WAFv2::WebACLAssociation",
}
# AWS names it; it stays when the stack goes, so a name of ours would be taken the next time.
LEFT_TO_AWS = {("api", "AccountLoggingRole")}
LONGEST_RUN_ID = "-r99"

RESOURCES = [
    (stack.name, logical_id, resource)
    for stack in house.as_deployed().values()
    for logical_id, resource in stack.resources().items()
    if not resource["Type"].startswith("Custom::")
]
NAMED = [it for it in RESOURCES if it[2]["Type"] in NAME_OF and (it[0], it[1]) not in LEFT_TO_AWS]


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


def test_nothing_is_named_after_people() -> None:
    personal = ("email", "account", "profile", "user-")
    assert [
        name(resource)
        for _, _, resource in NAMED
        if any(word in name(resource).replace("AWS::AccountId", "").lower() for word in personal)
    ] == []
