"""The platform can be destroyed to nothing. Runs last: nothing is left to test after it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.eventually import eventually


@pytest.mark.destroying
def test_a_deleted_stack_leaves_nothing_behind(outputs: dict[str, str], aws: Any) -> None:
    suffix = outputs["EnvironmentSuffix"]
    cloudformation = aws.client("cloudformation")
    stack = f"streamflix-{suffix}"

    cloudformation.delete_stack(StackName=stack)

    eventually(lambda: stacks(cloudformation, stack), within=120, wanted=lambda left: left == [])
    assert leftovers(aws, suffix) == {}


def stacks(cloudformation: Any, name: str) -> list[tuple[str, str]]:
    found = cloudformation.describe_stacks()["Stacks"]
    return [(s["StackName"], s["StackStatus"]) for s in found if s["StackName"].startswith(name)]


def leftovers(aws: Any, suffix: str) -> dict[str, list[str]]:
    """Whatever still carries the suffix in its name, by service."""
    clusters = aws.client("rds").describe_db_clusters()["DBClusters"]
    members = aws.client("rds").describe_db_instances()["DBInstances"]
    groups = aws.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    functions = aws.client("lambda").list_functions()["Functions"]
    found = {
        "clusters": [c["DBClusterIdentifier"] for c in clusters],
        "members": [m["DBInstanceIdentifier"] for m in members],
        "redis": [g["ReplicationGroupId"] for g in groups],
        "functions": [f["FunctionName"] for f in functions],
        "mappings": [
            m["UUID"]
            for m in aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
            if m["FunctionArn"].endswith(f"-{suffix}")
        ],
        "streams": aws.client("kinesis").list_streams()["StreamNames"],
        "queues": aws.client("sqs").list_queues().get("QueueUrls", []),
        "topics": [t["TopicArn"] for t in aws.client("sns").list_topics()["Topics"]],
        "tables": aws.client("dynamodb").list_tables()["TableNames"],
        "roles": [r["RoleName"] for r in aws.client("iam").list_roles()["Roles"]],
        "log groups": [
            g["logGroupName"] for g in aws.client("logs").describe_log_groups()["logGroups"]
        ],
        "alarms": [
            a["AlarmName"] for a in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
        ],
        "vpcs": [
            v["VpcId"]
            for v in aws.client("ec2").describe_vpcs()["Vpcs"]
            if any(suffix in tag["Value"].split("-") for tag in v.get("Tags", []))
        ],
    }
    ours = {
        kind: [name for name in names if kind in ("mappings", "vpcs") or suffix in _words(name)]
        for kind, names in found.items()
    }
    return {kind: names for kind, names in ours.items() if names}


def _words(name: str) -> list[str]:
    return name.replace("/", "-").replace(":", "-").split("-")
