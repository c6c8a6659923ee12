"""Only what Secrets Manager sends is taken, and what is missing is named."""

from __future__ import annotations

import pytest

from rotation.errors import MalformedRequest, NotOurSecret
from rotation.settings import Settings
from rotation.ticket import STEPS, Ticket
from streamflix.errors import SettingsInvalid

ENV = {
    "ENVIRONMENT": "test",
    "ADDRESS_BOOK": "/streamflix/test/aurora",
    "SECRET_ARNS": '{"master": "arn:m"}',
    "APP_LOGIN": "password",
    "REDIS_HOST": "h",
    "REDIS_PORT": "6379",
    "REDIS_GROUP_ID": "g",
    "REDIS_USER_IDS": '{"redis/ops": "o"}',
    "HOLD_TABLE": "t",
    "OPS_BUS": "b",
    "MIN_INTERVAL_SECONDS": "600",
    "RETIRE_AFTER_SECONDS": "900",
    "ADOPTED_SECRETS": "redis/app",
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_read(step: str) -> None:
    event = {"SecretId": "arn", "ClientRequestToken": "token", "Step": step}
    assert Ticket.from_event(event) == Ticket("arn", "token", step)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"SecretId": "arn", "ClientRequestToken": "t", "Step": "dropSecret"},
        {"SecretId": 1, "ClientRequestToken": "t", "Step": "setSecret"},
    ],
)
def test_another_event_is_refused(event: dict[str, object]) -> None:
    with pytest.raises(MalformedRequest, match="createSecret"):
        Ticket.from_event(event)


def test_a_foreign_secret_is_not_ours_and_is_not_named() -> None:
    env = Settings.from_env(ENV)
    assert env.login_of("arn:m") == "master"
    with pytest.raises(NotOurSecret) as refused:
        env.login_of("arn:somebody-elses")
    assert "somebody" not in str(refused.value)


def test_another_way_in_than_the_two_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="APP_LOGIN"):
        Settings.from_env(ENV | {"APP_LOGIN": "magic"})
