"""No alarm and no picture of a metric that nobody publishes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from tests.contract.templates import deployed, house
from tests.contract.templates import published_metrics as table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.templates.wires import Body, Resource, Tree


# Whose name each dimension bears.
CALLED = {
    "ApiName": ("AWS::ApiGateway::RestApi", "Name"),
    "BackupVaultName": ("AWS::Backup::BackupVault", "BackupVaultName"),
    "CacheClusterId": ("AWS::ElastiCache::ReplicationGroup", "ReplicationGroupId"),
    "ClusterName": ("AWS::ECS::Cluster", "ClusterName"),
    "DBClusterIdentifier": ("AWS::RDS::DBCluster", "DBClusterIdentifier"),
    "FunctionName": ("AWS::Lambda::Function", "FunctionName"),
    "ProxyName": ("AWS::RDS::DBProxy", "DBProxyName"),
    "QueueName": ("AWS::SQS::Queue", "QueueName"),
    "ReplicationGroupId": ("AWS::ElastiCache::ReplicationGroup", "ReplicationGroupId"),
    "ServiceName": ("AWS::ECS::Service", "ServiceName"),
    "Stage": ("AWS::ApiGateway::Stage", "StageName"),
    "StateMachineArn": ("AWS::StepFunctions::StateMachine", "Arn"),
    "StreamName": ("AWS::Kinesis::Stream", "Name"),
    "TopicName": ("AWS::SNS::Topic", "TopicName"),
    "WebACL": ("AWS::WAFv2::WebACL", "Name"),
}
# AWS's own words.
FIXED = {
    "AvailabilityZone": {f"{house.REGION}{zone}" for zone in "abc"},
    "Environment": {house.LONGEST_SUFFIX},
    "Region": {house.REGION},
    "ResourceType": {"Aurora", "EFS"},
    "Role": {"Primary", "Replica", "WRITER", "READER"},
    "Rule": {"ALL"},
    "TargetGroup": {"default"},
    "TargetRole": {"READ_WRITE", "READ_ONLY"},
}


class Watched(NamedTuple):
    where: str
    namespace: str
    metric: str
    dimensions: dict[str, str]


def of_alarm(tree: Tree, alarm: Resource) -> Iterator[Watched]:
    properties = alarm.properties
    metrics = tree.decided(alarm.stack, properties.get("Metrics", []))
    found = [it["MetricStat"]["Metric"] for it in metrics if "MetricStat" in it]
    if "MetricName" in properties:
        found.append(properties)
    for it in found:
        named = deployed.text(tree, alarm.stack, it.get("Dimensions", []))
        dimensions = {d["Name"]: str(d["Value"]) for d in named}
        yield Watched(str(alarm), it["Namespace"], it["MetricName"], dimensions)


def of_dashboard(tree: Tree, board: Resource) -> Iterator[Watched]:
    body = json.loads(deployed.text(tree, board.stack, board.properties["DashboardBody"]))
    for widget in body["widgets"]:
        above: list[str] = []
        for line in widget["properties"].get("metrics", []):
            words = [it for it in line if isinstance(it, str)]
            if not words:
                continue  # an expression
            above = [old if new == "." else new for new, old in _aligned(words, above)]
            names = dict(zip(above[2::2], above[3::2], strict=True))
            yield Watched(widget["properties"]["title"], above[0], above[1], names)


def _aligned(words: list[str], above: list[str]) -> Iterator[tuple[str, str]]:
    if words == ["..."]:
        yield from ((".", it) for it in above)
    else:
        yield from zip(words, [*above, *[""] * len(words)], strict=False)


def ours() -> set[str]:
    """The metrics that our own code publishes: `streamflix.metrics` is given them by name."""
    code = "".join(path.read_text() for path in (house.ROOT / "functions").rglob("*.py"))
    return set(re.findall(r'"([A-Z]\w+)":', code))


def is_published(it: Watched) -> bool:
    if it.namespace == table.OURS:
        return it.metric in ours() and set(it.dimensions) == table.OUR_DIMENSIONS
    return table.publishes(it.namespace, it.metric, set(it.dimensions))


def watched(environment: str) -> list[Watched]:
    tree = deployed.platform(environment)
    alarms = [
        it for alarm in tree.resources("AWS::CloudWatch::Alarm") for it in of_alarm(tree, alarm)
    ]
    boards = tree.resources("AWS::CloudWatch::Dashboard")
    return alarms + [it for board in boards for it in of_dashboard(tree, board)]


def test_every_metric_that_is_watched_is_published() -> None:
    for environment in deployed.ENVIRONMENTS:
        silent = [it for it in watched(environment) if not is_published(it)]

        assert silent == [], environment


def test_every_metric_of_the_table_is_looked_up_in_awss_documentation() -> None:
    for entries in table.PUBLISHED.values():
        for entry in entries:
            assert entry.documented.startswith(table.DOCS)
            assert entry.dimensions
            assert entry.metrics


def names(tree: Tree, dimension: str) -> set[str]:
    """What a dimension may be called: by name, by what AWS returns, or one of its fixed words."""
    kind, key = CALLED[dimension]
    return {
        deployed.arn(tree, it)
        if key == "Arn"
        else str(deployed.text(tree, it.stack, it.properties[key]))
        for it in tree.resources(kind)
    }


def test_a_dimension_is_the_name_of_something_that_exists() -> None:
    """A slip of the pen here is an alarm that never rings."""
    for environment in deployed.ENVIRONMENTS:
        tree = deployed.platform(environment)
        foreign = [
            (it.where, dimension, value)
            for it in watched(environment)
            for dimension, value in it.dimensions.items()
            if not value.startswith("<")
            and value not in FIXED.get(dimension, set())
            and not (dimension in CALLED and belongs(value, names(tree, dimension)))
        ]

        assert foreign == [], environment


def belongs(value: str, known: set[str]) -> bool:
    """A node of Redis is called after its group, with shard and number behind."""
    return value in known or re.sub(r"-\d{4}-\d{3}$", "", value) in known


def test_an_alarm_with_arithmetic_returns_one_number() -> None:
    tree = deployed.platform("prod")
    for alarm in tree.resources("AWS::CloudWatch::Alarm"):
        metrics: list[Body] = tree.decided(alarm.stack, alarm.properties.get("Metrics", []))
        returned = [it for it in metrics if it.get("ReturnData", True)]
        assert not metrics or len(returned) == 1, alarm
        identifiers = {it["Id"] for it in metrics}
        assert len(identifiers) == len(metrics), alarm
        for it in metrics:
            used = set(re.findall(r"\b[a-z][a-z0-9_]*\b", str(it.get("Expression", ""))))
            words = set(re.findall(r'"([^"]*)"', str(it.get("Expression", ""))))
            assert used - words - identifiers == set(), (alarm, it["Id"])


def test_an_alarm_looks_as_often_as_the_metric_is_published() -> None:
    """Whole minutes, and an evaluation spans a day at most, or a week with hours as periods."""
    for environment in deployed.ENVIRONMENTS:
        tree = deployed.platform(environment)
        for alarm in tree.resources("AWS::CloudWatch::Alarm"):
            properties = tree.decided(alarm.stack, alarm.properties)
            for period in periods(properties):
                spanned = period * int(properties["EvaluationPeriods"])
                assert period % 60 == 0, alarm
                assert spanned <= (7 * 86_400 if period >= 3_600 else 86_400), alarm


def periods(properties: Body) -> Iterator[int]:
    """Seconds: an alarm's own, or one for each metric that it computes with."""
    if "Period" in properties:
        yield int(properties["Period"])
    for it in properties.get("Metrics", []):
        if "MetricStat" in it:
            yield int(it["MetricStat"]["Period"])
