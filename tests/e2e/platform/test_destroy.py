"""Create, update, change nothing, destroy to nothing. Runs last: nothing is left after it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import environment, make

ROOT = Path(__file__).parents[3]
SAM = ROOT / ".local/venvs/sam/bin/sam"
# The second is a tag of everything: of the cluster, its members and the proxy, too.
SETTING, CHANGED = '"LogRetentionDays=7"', '"LogRetentionDays=14", "CostCenter=elsewhere"'

# In this order: each test leaves the stack for the next one.
pytestmark = pytest.mark.destroying


def test_a_second_deploy_of_the_same_commit_changes_nothing(
    outputs: dict[str, str], aws: Any
) -> None:
    before = events(aws, outputs)

    said = make("deploy")

    assert said.well, said.text
    assert events(aws, outputs) - before == set()


def test_an_update_changes_what_was_asked_and_keeps_the_stores(
    outputs: dict[str, str], aws: Any, tmp_path: Path
) -> None:
    """The cluster is one that took over, if what runs before this had one take over."""
    stores, book = identities(aws, outputs), pages(aws, outputs)

    update(tmp_path)

    assert cost_centers(aws, outputs) == {"elsewhere"}
    assert pages(aws, outputs) == book
    logs = aws.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/streamflix-")
    assert {group["retentionInDays"] for group in logs["logGroups"]} == {14}
    assert identities(aws, outputs) == stores


def test_the_same_update_again_changes_nothing(
    outputs: dict[str, str], aws: Any, tmp_path: Path
) -> None:
    before = events(aws, outputs)

    update(tmp_path)

    assert events(aws, outputs) - before == set()


def test_destroy_leaves_nothing_but_what_was_there_before(
    outputs: dict[str, str], aws: Any
) -> None:
    suffix = outputs["EnvironmentSuffix"]

    said = make("destroy")

    assert said.well, said.text
    assert f"streamflix-aurora-{suffix}" in said.text  # what is lost was shown
    assert "The keys die on " in said.text
    assert "of the address book" not in said.text  # the schema took its page away itself
    assert stacks(aws.client("cloudformation"), f"streamflix-{suffix}") == []
    assert leftovers(aws, suffix) == {}
    assert len(secrets(aws, suffix)) == 7


def test_destroy_on_nothing_finds_nothing() -> None:
    said = make("destroy")

    assert said.well, said.text
    assert "No store and no backup of this environment exists." in said.text
    assert "Nothing remains" in said.text


def update(place: Path) -> None:
    """The deployed build again, with one setting changed."""
    config = place / "samconfig.toml"
    text = (ROOT / "samconfig.toml").read_text()
    assert SETTING in text
    config.write_text(text.replace(SETTING, CHANGED))
    template = Path(os.environ["STREAMFLIX_HOME"]) / "build" / "template.yaml"
    command = [
        *(str(SAM), "deploy", "--template-file", str(template), "--no-confirm-changeset"),
        *("--config-file", str(config), "--config-env", environment()),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def events(aws: Any, outputs: dict[str, str]) -> set[str]:
    """Everything that ever happened to a resource; a nested stack that was looked at is none."""
    cloudformation = aws.client("cloudformation")
    roots = stacks(cloudformation, f"streamflix-{outputs['EnvironmentSuffix']}")
    return {
        event["EventId"]
        for name, _ in roots
        for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        if event["ResourceType"] != "AWS::CloudFormation::Stack"
    }


def identities(aws: Any, outputs: dict[str, str]) -> dict[str, Any]:
    """What would differ if a store had been replaced."""
    cluster = aws.client("rds").describe_db_clusters(DBClusterIdentifier=outputs["AuroraClusterId"])
    stream = aws.client("kinesis").describe_stream_summary(StreamName=outputs["KinesisStreamName"])
    table = aws.client("dynamodb").describe_table(TableName=outputs["HoldTableName"])
    return {
        "cluster": cluster["DBClusters"][0]["DbClusterResourceId"],
        "stream": stream["StreamDescriptionSummary"]["StreamCreationTimestamp"],
        "table": table["Table"]["CreationDateTime"],
    }


def cost_centers(aws: Any, outputs: dict[str, str]) -> set[str]:
    """Of the cluster, each of its members and the proxy."""
    rds, name = aws.client("rds"), outputs["AuroraClusterId"]
    [cluster] = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    members = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [name]}])
    proxies = rds.describe_db_proxies()["DBProxies"]
    arns = [
        cluster["DBClusterArn"],
        *(each["DBInstanceArn"] for each in members["DBInstances"]),
        *(it["DBProxyArn"] for it in proxies if outputs["EnvironmentSuffix"] in it["DBProxyName"]),
    ]
    assert len(arns) == 1 + 3 + 1
    return {
        tag["Value"]
        for arn in arns
        for tag in rds.list_tags_for_resource(ResourceName=arn)["TagList"]
        if tag["Key"] == "CostCenter"
    }


def pages(aws: Any, outputs: dict[str, str]) -> dict[str, str]:
    """Of the address book: an update that touches it must not lead anybody elsewhere."""
    names = [f"{outputs['AddressBook']}/{page}" for page in ("writer", "reader", "epoch")]
    found = aws.client("ssm").get_parameters(Names=names)["Parameters"]
    return {entry["Name"]: entry["Value"] for entry in found}


def secrets(aws: Any, suffix: str) -> list[str]:
    listed = aws.client("secretsmanager").list_secrets()["SecretList"]
    return [s["Name"] for s in listed if s["Name"].startswith(f"streamflix/{suffix}/")]


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
