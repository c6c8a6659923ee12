"""What counts as breached, with AWS's answers made up; the real ones are asked end to end."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from recovery import checks, monitor
from recovery.restores import Restore
from recovery.settings import MonitorSettings
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)

ENV = MonitorSettings(
    environment="test",
    incidents_table="incidents",
    ops_bus="bus",
    page_topic_arn="arn:topic",
    cluster_id="cluster",
    database_zones=3,
    redis_group_id="group",
    redis_zones=2,
    service_cluster="cluster",
    service_name="service",
    service_zones=2,
    stream_name="stream",
    backup_vault="vault",
    secret_arns=("arn:a", "arn:b"),
    rpo_seconds=300,
    rto_seconds=1800,
    replica_lag_seconds=5,
)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def drill(outcome: str = "passed", mode: str = "drill", *, days: float, **changes: Any) -> Any:
    ended = ago(days=days).timestamp()
    restore = Restore("run", mode, ended - 600, "copy", None, outcome, ended_at=ended, **changes)
    return {"record": {"S": json.dumps(asdict(restore))}}


class Answers:
    """Every client at once: the answer of each operation, or the error that it raises."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {
            "describe_db_clusters": {
                "DBClusters": [
                    {
                        "DBClusterIdentifier": "cluster",
                        "LatestRestorableTime": ago(seconds=100),
                        "ClusterCreateTime": ago(days=30),
                        "DBClusterMembers": [{"IsClusterWriter": True}],
                    }
                ]
            },
            "describe_db_instances": {
                "DBInstances": [
                    {"DBInstanceStatus": "available", "AvailabilityZone": zone} for zone in "abc"
                ]
            },
            "describe_replication_groups": {
                "ReplicationGroups": [
                    {
                        "Status": "available",
                        "ReplicationGroupCreateTime": ago(days=30),
                        "NodeGroups": [
                            {"NodeGroupMembers": [{"PreferredAvailabilityZone": z} for z in "ab"]}
                        ],
                    }
                ]
            },
            "describe_snapshots": {
                "Snapshots": [{"NodeSnapshots": [{"SnapshotCreateTime": ago(hours=5)}]}]
            },
            "list_tasks": {"taskArns": ["t1", "t2"]},
            "describe_tasks": {
                "tasks": [{"availabilityZone": zone, "lastStatus": "RUNNING"} for zone in "ab"]
            },
            "describe_backup_vault": {"CreationDate": ago(days=30)},
            "list_recovery_points_by_backup_vault": {
                "RecoveryPoints": [
                    {
                        "ResourceType": "Aurora",
                        "Status": "COMPLETED",
                        "CompletionDate": ago(hours=8),
                    },
                    {"ResourceType": "EFS", "Status": "COMPLETED", "CompletionDate": ago(hours=1)},
                ]
            },
            "get_metric_statistics": {
                "Datapoints": [{"Timestamp": ago(minutes=1), "Maximum": 4.0}]
            },
            "describe_secret": {"LastRotatedDate": ago(days=10)},
            "query": {"Items": [drill(days=3), drill(days=2, outcome="failed")]},
        }

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def answer(**_: Any) -> Any:
            given = self.given[name]
            if isinstance(given, Exception):
                raise given
            return given

        return answer

    def get_paginator(self, name: str) -> Any:
        class Pages:
            paginate = staticmethod(lambda **given: [getattr(self, name)(**given)])

        return Pages()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    answers = Answers()
    monkeypatch.setattr(aws, "client", lambda _: answers)
    return answers


def breaches(name: str) -> tuple[str, ...]:
    return checks.CHECKS[name](ENV, NOW).breaches


def test_when_all_is_well_every_number_is_told_and_nothing_is_breached(answers: Answers) -> None:
    verdict = monitor.look(ENV, NOW)

    assert verdict.breaches == ()
    numbers = dict(verdict.numbers)
    assert numbers.pop("CertificateDaysLeft") > 30
    assert numbers == {
        "RecoveryPointLagSeconds": 100,
        "DatabaseZones": 3,
        "RedisZones": 2,
        "RedisSnapshotAgeSeconds": 5 * 3600,
        "ServiceZones": 2,
        "DatabaseBackupAgeSeconds": 8 * 3600,
        "FilesBackupAgeSeconds": 3600,
        "StreamWaitSeconds": 0.004,
        "SecretDaysLeft": 20,
        "RestoreDrillAgeSeconds": 3 * 86_400,
        "CopiesLeft": 0,
        "RecoveryChecksBreached": 0,
    }
    assert answers


Change = tuple[str, str, "Callable[[dict[str, Any]], None]", str]

BREACHES: list[Change] = [
    (
        "database",
        "describe_db_clusters",
        lambda it: it["DBClusters"][0].update(LatestRestorableTime=ago(seconds=301)),
        "a restore would lose 301 s of writing; the objective is 300 s",
    ),
    (
        "database",
        "describe_db_clusters",
        lambda it: it["DBClusters"][0].update(DBClusterMembers=[{"IsClusterWriter": False}]),
        "the database has no writer",
    ),
    (
        "database",
        "describe_db_instances",
        lambda it: it["DBInstances"][0].update(DBInstanceStatus="rebooting"),
        "instances of the database serve in 2 zones instead of 3",
    ),
    (
        "redis",
        "describe_replication_groups",
        lambda it: it["ReplicationGroups"][0].update(Status="modifying"),
        "the replication group is modifying",
    ),
    (
        "redis",
        "describe_replication_groups",
        lambda it: it["ReplicationGroups"][0]["NodeGroups"][0]["NodeGroupMembers"].pop(),
        "a shard of Redis stands in 1 zones instead of 2",
    ),
    (
        "redis",
        "describe_snapshots",
        lambda it: it.update(Snapshots=[]),
        "the newest snapshot of Redis is 2592000 s old; daily is at most 97200 s",
    ),
    (
        "service",
        "describe_tasks",
        lambda it: it["tasks"][0].update(lastStatus="PENDING"),
        "tasks of the service run in 1 zones instead of 2",
    ),
    (
        "backups",
        "list_recovery_points_by_backup_vault",
        lambda it: it["RecoveryPoints"][0].update(Status="EXPIRED"),
        "the newest recovery point of the database is 2592000 s old; the plan allows 97200 s",
    ),
    (
        "stream",
        "get_metric_statistics",
        lambda it: it.update(Datapoints=[]),
        "nobody has read the stream for five minutes",
    ),
    (
        "stream",
        "get_metric_statistics",
        lambda it: it["Datapoints"][0].update(Maximum=301_000.0),
        "an event has waited 301 s to be read; the objective is 300 s",
    ),
    (
        "replica",
        "get_metric_statistics",
        lambda it: it.update(Datapoints=[]),
        "no reader was seen for three minutes",
    ),
    (
        "replica",
        "get_metric_statistics",
        lambda it: it["Datapoints"][0].update(Maximum=6.2),
        "readers show what was 6 s ago; 5 s are allowed",
    ),
    (
        "expiries",
        "describe_secret",
        lambda it: it.update(LastRotatedDate=ago(days=33)),
        "days until a secret is older than the policy allows: -3",
    ),
    (
        "drills",
        "query",
        lambda it: it.update(Items=[drill(days=9), drill(days=1, outcome="failed")]),
        "no restore was rehearsed with success for 777600 s; weekly is at most 691200 s",
    ),
    (
        "drills",
        "query",
        lambda it: it.update(Items=[]),
        "no restore was rehearsed with success for 2592000 s; weekly is at most 691200 s",
    ),
]


@pytest.mark.parametrize(("check", "operation", "change", "words"), BREACHES)
def test_what_is_not_as_it_must_be_is_said_in_words(
    answers: Answers,
    check: str,
    operation: str,
    change: Callable[[dict[str, Any]], None],
    words: str,
) -> None:
    change(answers.given[operation])
    assert breaches(check) == (words,)


@pytest.mark.parametrize("check", sorted(checks.CHECKS))
def test_what_cannot_be_looked_at_is_breached(answers: Answers, check: str) -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "Describe")
    answers.given = dict.fromkeys(answers.given, denied)

    verdict = monitor.look(ENV, NOW)

    assert f"{check} could not be looked at: AccessDenied" in verdict.breaches
    assert verdict.numbers["RecoveryChecksBreached"] == len(checks.CHECKS)
    assert "RecoveryPointLagSeconds" not in verdict.numbers, "no number is better than an old one"


def test_a_copy_that_outlives_its_drill_is_told(answers: Answers) -> None:
    answers.given["describe_db_clusters"]["DBClusters"] += [
        {
            "DBClusterIdentifier": f"cluster-r{hours}",
            "ClusterCreateTime": ago(hours=hours),
            "TagList": [{"Key": "Restore", "Value": "a run"}],
        }
        for hours in (1, 5)
    ]
    assert breaches("copies") == ("restored copies were left behind: cluster-r5",)


def test_a_copy_that_took_over_and_was_not_adopted_is_told(answers: Answers) -> None:
    waits = drill(days=1, mode="cutover", turned_at=1.0)
    answers.given["query"]["Items"] += [waits, drill(days=2, turned_at=1.0, adopted_at=2.0)]

    assert breaches("copies") == (
        "copy is in service and not adopted: what the stack names is not",
    )


def test_a_young_platform_has_no_backup_yet_and_that_is_fine(answers: Answers) -> None:
    answers.given["describe_backup_vault"] = {"CreationDate": ago(hours=2)}
    answers.given["list_recovery_points_by_backup_vault"] = {"RecoveryPoints": []}
    assert breaches("backups") == ()


def test_a_secret_that_never_rotated_is_as_old_as_its_last_change(answers: Answers) -> None:
    answers.given["describe_secret"] = {"LastChangedDate": ago(days=40)}
    assert breaches("expiries") == ("days until a secret is older than the policy allows: -10",)
