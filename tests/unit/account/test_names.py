"""An environment touches what is its own, and nothing else."""

from __future__ import annotations

import pytest

from account import names
from account.refusal import Refusal


@pytest.mark.parametrize(
    "name",
    [
        "streamflix-dev",
        "streamflix-schema-migrate-dev",
        "/aws/lambda/streamflix-analytics-consume-dev",
        "/aws/rds/cluster/streamflix-aurora-dev/postgresql",
        "/aws/rds/cluster/streamflix-aurora-dev-r12/postgresql",
        "/aws/ecs/containerinsights/streamflix-service-dev/performance",
        "aws-waf-logs-streamflix-api-dev",
        "arn:aws:sns:eu-central-1:123456789012:streamflix-page-dev",
        "arn:aws:ecs:eu-central-1:123456789012:task-definition/streamflix-service-dev:7",
        "https://sqs.eu-central-1.amazonaws.com/123456789012/streamflix-analytics-rejects-dev",
        "streamflix-aurora-dev-a",
        "streamflix-aurora-dev-q3",
        "streamflix-redis-dev-0001-001",
        "streamflix-balancer-logs-dev-123456789012",
        "streamflix-dev-Keys-3411C239D006",
        "alias/streamflix-data-dev",
        "cluster:streamflix-aurora-dev",
    ],
)
def test_these_are_devs(name: str) -> None:
    assert names.is_ours("dev", name)
    assert not names.is_ours("prod", name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "dev",
        "streamflix",
        "streamflix-aurora-prod",
        "streamflix-aurora-dev2",
        "streamflix-aurora-mydev",
        "streamflix-dev-tools-prod",
        "streamflix-aurora-dev-copy",
        "mystreamflix-aurora-dev",
        "aws-sam-cli-managed-default-samclisourcebucket-dev",
        "other-aurora-dev",
    ],
)
def test_these_are_somebody_elses(name: str) -> None:
    assert not names.is_ours("dev", name)


@pytest.mark.parametrize(
    ("cluster", "copy"),
    [
        ("streamflix-aurora-dev", False),
        ("streamflix-aurora-dev-r1", True),
        ("streamflix-aurora-dev-q22", True),
        ("streamflix-aurora-dev-r", False),
        ("streamflix-aurora-dev-x1", False),
        ("streamflix-aurora-prod-r1", False),
    ],
)
def test_copies_are_told_from_the_cluster_itself(cluster: str, copy: bool) -> None:
    assert names.is_copy("dev", cluster) is copy


@pytest.mark.parametrize(
    ("name", "room"),
    [
        ("/aws/lambda/streamflix-analytics-consume-dev", "analytics"),
        ("/aws/rds/cluster/streamflix-aurora-dev/postgresql", "aurora"),
        ("aws-waf-logs-streamflix-api-dev", "api"),
        ("/aws/lambda/streamflix-analytics-consume-prod", None),
    ],
)
def test_a_name_tells_its_room(name: str, room: str | None) -> None:
    assert names.room_of("dev", name) == room


def test_an_unknown_room_is_answered_with_the_rooms() -> None:
    rooms = {"schema": ["a"], "api": ["b"]}

    assert names.require_room(rooms, "api") == ["b"]
    with pytest.raises(Refusal, match=r"no room 'x'\. Rooms: api, schema\."):
        names.require_room(rooms, "x")
    with pytest.raises(Refusal, match=r"Say which room: ROOM=…\. Rooms: none yet"):
        names.require_room({}, "")
