"""What a step and a sweep tell the platform: one failure each, ids and numbers only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from rotation import rotate, sweep
from rotation.errors import SecretDrifted, TooSoon
from rotation.settings import Settings
from rotation.sweeper import Report
from streamflix import aws, settings
from streamflix.errors import EnvironmentHeld
from tests.unit.rotation.test_ticket import ENV

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT = {"SecretId": "arn:m", "ClientRequestToken": "v1", "Step": "finishSecret"}


class Context:
    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "f"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Bus:
    """Keeps what was put; refuses when it is down."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, str]]] = []
        self.down = False

    def put_events(self, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        if self.down:
            raise ClientError({"Error": {"Code": "InternalFailure"}}, "PutEvents")
        self.told += [(each["DetailType"], json.loads(each["Detail"])) for each in Entries]
        return {"FailedEntryCount": 0, "Entries": [{}]}


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    bus = Bus()
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "client", lambda _: bus)
    settings.cached.cache_clear()
    yield bus
    settings.cached.cache_clear()


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> None:
    def run(*_: object) -> str:
        if error is not None:
            raise error
        return "master"

    monkeypatch.setattr(rotate.steps, "run", run)


def metrics_of(text: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if "_aws" in line]


def test_a_step_that_fails_is_told_once(
    bus: Bus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, SecretDrifted("master: nothing logs in"))

    with pytest.raises(SecretDrifted):
        rotate.handler(EVENT, Context())

    [line] = metrics_of(capsys.readouterr().out)
    assert line["RotationFailures"] == 1
    about = {"login": "master", "secret": "arn:m", "step": "finishSecret"}
    assert bus.told == [("RotationFailed", about | {"error": "SecretDrifted"})]


@pytest.mark.parametrize("error", [TooSoon("wait"), EnvironmentHeld("anna for: deploy")])
def test_a_step_that_is_put_off_is_no_failure(
    bus: Bus,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    failing(monkeypatch, error)

    with pytest.raises(type(error)):
        rotate.handler(EVENT, Context())

    assert metrics_of(capsys.readouterr().out) == []
    assert bus.told == []


@pytest.mark.parametrize("down", [False, True])
def test_success_is_told_and_a_bus_that_is_down_does_not_fail_it(
    bus: Bus, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], down: bool
) -> None:
    failing(monkeypatch, None)
    bus.down = down

    rotate.handler(EVENT, Context())

    [line] = metrics_of(capsys.readouterr().out)
    assert line["RotationFailures"] == 0
    assert line["RotationDurationMs"] >= 0
    told = {"login": "master", "secret": "arn:m", "version": "v1"}
    assert bus.told == ([] if down else [("RotationSucceeded", told)])


@pytest.mark.parametrize(("event", "published"), [({"repair": False}, False), ({}, True)])
def test_a_sweep_counts_secrets_with_findings(
    bus: Bus,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    event: dict[str, bool],
    published: bool,
) -> None:
    asked = []

    def examine(work: Any, *, repair: bool, stuck_after_seconds: float | None) -> Report:
        asked.append(repair)
        return Report("master", "single-user", age_days=12.5, findings=["a", "b"])

    monkeypatch.setattr(sweep.Work, "on", lambda *_: None)
    monkeypatch.setattr(sweep.sweeper, "examine", examine)

    told = sweep.handler(event, Context())

    assert asked == [published]
    assert (told["environment"], told["drift"]) == ("test", 1)
    assert told["secrets"][0]["findings"] == ["a", "b"]
    lines = metrics_of(capsys.readouterr().out)
    found = [(line["SecretDrift"], line["SecretAgeDays"]) for line in lines]
    assert found == ([(1, 12.5)] if published else [])


def test_the_settings_are_the_templates() -> None:
    assert Settings.from_env(ENV).adopted_secrets == ("redis/app",)
