"""AWS's events, as they come and as they are kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recovery.errors import BadTask
from recovery.witnesses import of_elasticache, of_event

EVENTS = Path(__file__).parents[3] / "events" / "recovery"


def event(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return found


@pytest.mark.parametrize(
    ("name", "service", "subject", "number", "message"),
    [
        (
            "rds_failover",
            "rds",
            "streamflix-aurora-dev",
            "RDS-EVENT-0071",
            "Completed failover to DB instance: streamflix-aurora-dev-b",
        ),
        (
            "ecs_task_stopped",
            "ecs",
            "0f9de17a6465404e8b1b2356dc13c2f8",
            "EssentialContainerExited",
            "task stopped: Essential container in task exited",
        ),
        (
            "backup_job_failed",
            "backup",
            "Aurora",
            "Backup Job State Change",
            "Backup Job State Change: FAILED",
        ),
    ],
)
def test_an_event_is_kept_in_awss_own_words(
    name: str, service: str, subject: str, number: str, message: str
) -> None:
    witness = of_event(event(name))
    kept = (witness.service, witness.subject, witness.number, witness.message)
    assert kept == (service, subject, number, message)


def test_the_moment_is_the_one_that_rds_gives() -> None:
    expected = datetime(2026, 11, 30, 13, 4, 5, 123_000, UTC).timestamp()
    assert of_event(event("rds_failover")).at == pytest.approx(expected)


def test_a_service_action_is_kept_by_its_name() -> None:
    action = event("ecs_task_stopped") | {"detail-type": "ECS Service Action"}
    action["detail"] = {"eventName": "SERVICE_TASK_PLACEMENT_FAILURE", "clusterArn": "a:b/c"}
    witness = of_event(action)
    assert (witness.subject, witness.message) == ("c", "SERVICE_TASK_PLACEMENT_FAILURE")


def test_what_nobody_asked_for_is_refused() -> None:
    with pytest.raises(BadTask, match=r"aws\.s3"):
        of_event({"source": "aws.s3", "detail-type": "x", "detail": {}, "time": "2026-01-01T00Z"})


def test_redis_is_heard_of_its_own_group_only() -> None:
    moment = datetime(2026, 11, 30, 13, 0, tzinfo=UTC)

    class Client:
        def describe_events(self, *, SourceType: str, Duration: int) -> dict[str, Any]:  # noqa: N803
            assert Duration >= 2
            names = {"replication-group": ["ours", "other"], "cache-cluster": ["ours-0001-001"]}
            events = [
                {"SourceIdentifier": name, "Date": moment, "Message": "Failover complete"}
                for name in names[SourceType]
            ]
            return {"Events": events}

    heard = list(of_elasticache(Client(), "ours"))

    assert [witness.subject for witness in heard] == ["ours", "ours-0001-001"]
    assert {witness.at for witness in heard} == {moment.timestamp()}
