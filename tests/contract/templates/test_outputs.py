"""What tests, the demo and the owner's commands read from flat-outputs.json is an output."""

from __future__ import annotations

import re

from tests.contract.templates import deployed, house

READERS = ("account", "chaos", "demo", "tests/e2e")
READ = re.compile(r'outputs\["(\w+)"\]')  # `.get` is for what a later room may bring
# What the design promises to whoever comes later, by the resource that it names.
NAMED = {
    "APIGatewayURL": "AWS::ApiGateway::RestApi",
    "AuroraClusterEndpoint": "AWS::RDS::DBCluster",
    "AuroraClusterId": "AWS::RDS::DBCluster",
    "AuroraClusterReadEndpoint": "AWS::RDS::DBCluster",
    "BackupVaultName": "AWS::Backup::BackupVault",
    "ECSClusterName": "AWS::ECS::Cluster",
    "ECSServiceName": "AWS::ECS::Service",
    "EFSFileSystemId": "AWS::EFS::FileSystem",
    "HoldTableName": "AWS::DynamoDB::Table",
    "KinesisStreamARN": "AWS::Kinesis::Stream",
    "KinesisStreamName": "AWS::Kinesis::Stream",
    "OpsEventBusName": "AWS::Events::EventBus",
    "PageTopicArn": "AWS::SNS::Topic",
    "RedeployStateMachineArn": "AWS::StepFunctions::StateMachine",
    "RedisEndpoint": "AWS::ElastiCache::ReplicationGroup",
    "RedisPort": "AWS::ElastiCache::ReplicationGroup",
    "RotationFunctionName": "AWS::Lambda::Function",
    "RotationSweepFunctionName": "AWS::Lambda::Function",
    "TicketTopicArn": "AWS::SNS::Topic",
    "VPCId": "AWS::EC2::VPC",
}


def test_everything_that_is_read_is_an_output() -> None:
    read = {
        (path.name, name)
        for folder in READERS
        for path in (house.ROOT / folder).rglob("*.py")
        for name in READ.findall(path.read_text())
    }

    assert len(read) > 10
    assert [it for it in sorted(read) if it[1] not in house.root().outputs] == []


def test_an_output_names_the_kind_of_thing_that_it_says() -> None:
    tree = deployed.platform("prod")
    for name, kind in NAMED.items():
        value = house.root().outputs[name]["Value"]
        assert {it.kind for it in tree.made(deployed.ROOT, value)} >= {kind}, name


def test_no_output_holds_a_secret() -> None:
    for name, output in house.root().outputs.items():
        assert "resolve:" not in str(output), name
        assert not re.search(r"(?i)password|token", name), name
