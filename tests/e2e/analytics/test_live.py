"""What the API tells of what runs now and what ran; and what becomes of old minutes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.e2e import signed
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.answer import Answer
    from tests.e2e.stage import Stage

MINUTE_SECONDS = 100
"""After so long a minute is over and settled, and what was answered before is forgotten."""


@pytest.fixture
def ask(outputs: dict[str, str]) -> Callable[[str], Answer]:
    session = boto3.session.Session(region_name="eu-central-1")
    return lambda path: signed.call(session, "GET", outputs["APIGatewayURL"] + path)


def test_a_title_is_told_as_it_was_counted(stage: Stage, ask: Callable[[str], Answer]) -> None:
    stage.put(
        stage.event("play_start", watched_s=0),
        stage.event("heartbeat", watched_s=40, rebuffer_ms=1000),
        stage.event("error", watched_s=0, country="FR"),
    )
    stage.settle()

    def points() -> Any:
        answer = ask(f"/analytics/titles/{stage.title}")
        return answer.json["points"] if answer.status == 200 else []

    assert eventually(points, 15) == [
        {
            "at": stage.minute.strftime("%Y-%m-%dT%H:%M:00Z"),
            "plays": 1,
            "watched_s": 40,
            "rebuffer_ms": 1000,
            "errors": 1,
            "rebuffer_ratio": 0.025,
        }
    ]


def test_viewers_of_the_last_minute_are_told(stage: Stage, ask: Callable[[str], Answer]) -> None:
    stage.put(stage.event(), stage.event(account_id=stage.profile))
    stage.settle()

    def told() -> Any:
        answer = ask("/analytics/live")
        assert answer.status == 200, answer.text
        return answer.json

    now = eventually(
        told, MINUTE_SECONDS, lambda it: it["minute"] >= stage.minute.strftime("%Y-%m-%dT%H:%M:00Z")
    )

    assert now["degraded"] == []
    shown = {each["minute"]: each["viewers"] for each in now["minutes"]}
    assert shown[stage.minute.strftime("%Y-%m-%dT%H:%M:00Z")] >= 2
    assert now["lag"]["counted_at"]
    assert len(now["minutes"]) == 60


def test_only_who_signs_is_told(outputs: dict[str, str]) -> None:
    for path in ("/analytics/live", "/analytics/titles/title-1"):
        assert signed.call(None, "GET", outputs["APIGatewayURL"] + path).status == 403


def test_an_unknown_title_and_a_bad_question_are_told_apart(ask: Callable[[str], Answer]) -> None:
    unknown, bad = ask("/analytics/titles/e2e-nowhere"), ask("/analytics/titles/t?by=day")

    assert (unknown.status, unknown.json["error"]) == (404, "UNKNOWN_TITLE")
    assert (bad.status, bad.json["message"]) == (400, "by is minute or hour.")


def test_minutes_that_are_old_become_hours_when_the_schedule_fires(
    stage: Stage, ask: Callable[[str], Answer], aws: Any, outputs: dict[str, str], connect: Any
) -> None:
    owner = connect("MasterSecretArn")
    old = stage.minute - timedelta(days=40)
    with owner.cursor() as cursor:
        cursor.execute("SET ROLE analytics_owner")
        cursor.execute(
            "INSERT INTO analytics.title_minute VALUES (%s, %s, 'DE', 'tv', 3, 60, 0, 0)",
            (old, stage.title),
        )
    owner.close()

    answer = aws.client("lambda").invoke(
        FunctionName=f"streamflix-analytics-keep-{outputs['EnvironmentSuffix']}", Payload=b"{}"
    )

    # The schedule's own call, once a minute, may have been first: what it moved is what counts.
    assert "FunctionError" not in answer, answer["Payload"].read()
    assert eventually(lambda: stage.table() == [], 15)
    span = f"from={old:%Y-%m-%dT%H:00:00Z}&to={old + timedelta(hours=1):%Y-%m-%dT%H:00:00Z}"
    points = eventually(
        lambda: ask(f"/analytics/titles/{stage.title}?by=hour&{span}").json.get("points"), 15
    )
    assert [(each["at"], each["plays"]) for each in points] == [(f"{old:%Y-%m-%dT%H:00:00Z}", 3)]
