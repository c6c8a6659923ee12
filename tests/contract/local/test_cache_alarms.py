"""The alarms on Redis look at each node that a group of this size has, and at no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.local.conftest import ROOT

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

BY_NODE = {"Evictions", "ReplicationLag", "AuthenticationFailures"}


@pytest.mark.parametrize(("shards", "replicas"), [(1, 0), (2, 1), (1, 5), (3, 2), (4, 0)])
def test_each_of_the_first_nine_nodes_is_watched_while_it_exists(
    cloud: Cloud, shards: int, replicas: int
) -> None:
    name = f"cache-alarms-{shards}-{replicas}"
    parameters = {
        "EnvironmentSuffix": f"s{shards}r{replicas}",
        "ReplicationGroupId": "group",
        "TicketTopicArn": "arn:aws:sns:eu-central-1:000000000000:ticket",
        "RedisShards": str(shards),
        "RedisReplicasPerShard": str(replicas),
    }
    cloud.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=(ROOT / "stacks/cache-alarms.yaml").read_text(encoding="utf-8"),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )
    assert cloud.settled(name)["StackStatus"] == "CREATE_COMPLETE"

    watched: dict[str, set[str]] = {}
    for alarm in cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]:
        if alarm["AlarmName"].endswith(f"-s{shards}r{replicas}"):
            for query in alarm.get("Metrics", []):
                if "MetricStat" in query:
                    metric = query["MetricStat"]["Metric"]
                    (dimension,) = metric["Dimensions"]
                    watched.setdefault(metric["MetricName"], set()).add(dimension["Value"])
    nodes = {
        f"group-{shard:04}-{node:03}"
        for shard in range(1, min(shards, 3) + 1)
        for node in range(1, min(replicas, 2) + 2)
    }
    expected = BY_NODE if replicas else BY_NODE - {"ReplicationLag"}  # a lone primary has no lag

    assert watched == dict.fromkeys(expected, nodes)
    cloud.delete(name)
