"""A login survives a rotation: cached, read again when it is refused, and never shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError

from streamflix.errors import CredentialsRefused, SecretMalformed, SecretUnreadable
from streamflix.secrets import JITTER_SECONDS, REREAD_SECONDS, TTL_SECONDS, Login, Secret


class SecretsManager:
    """One secret in memory, with its stages, and every stage that was read."""

    def __init__(self) -> None:
        self.stages = {"AWSCURRENT": _secret("old")}
        self.read: list[str] = []
        self.down = False

    def get_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionStage: str,  # noqa: N803
    ) -> dict[str, Any]:
        self.read.append(VersionStage)
        if self.down:
            raise ClientError({"Error": {"Code": "InternalServiceError"}}, "GetSecretValue")
        if VersionStage not in self.stages:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {"SecretString": self.stages[VersionStage]}


class Server:
    """Accepts some passwords."""

    def __init__(self, *passwords: str) -> None:
        self.accepts = set(passwords)
        self.tried: list[str] = []

    def log_in(self, login: Login) -> str:
        self.tried.append(login.password)
        if login.password not in self.accepts:
            raise CredentialsRefused(login.username)
        return login.password


class Time:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def _secret(password: str) -> str:
    return json.dumps({"engine": "postgres", "username": "analytics", "password": password})


@pytest.fixture
def manager() -> SecretsManager:
    return SecretsManager()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def secret(manager: SecretsManager, time: Time) -> Secret:
    return Secret("arn", client=manager, clock=time, sleep=time.sleep)


def test_a_login_is_read_once_within_its_time_to_live(
    secret: Secret, manager: SecretsManager, time: Time
) -> None:
    assert secret.current() == Login("analytics", "old")
    time.now = TTL_SECONDS - 1
    secret.current()
    assert manager.read == ["AWSCURRENT"]
    time.now = TTL_SECONDS
    secret.current()
    assert manager.read == ["AWSCURRENT"] * 2


def test_after_a_rotation_the_login_is_read_again_and_kept(
    secret: Secret, manager: SecretsManager, time: Time
) -> None:
    secret.current()
    manager.stages["AWSCURRENT"] = _secret("new")

    server = Server("new")
    assert secret.log_in(server.log_in) == "new"
    assert secret.log_in(server.log_in) == "new"

    assert server.tried == ["old", "new", "new"]
    assert manager.read == ["AWSCURRENT"] * 2
    assert len(time.slept) == 1
    assert 0 <= time.slept[0] <= JITTER_SECONDS


def test_in_the_middle_of_a_rotation_the_pending_login_serves(
    secret: Secret, manager: SecretsManager
) -> None:
    manager.stages["AWSPENDING"] = _secret("next")

    server = Server("next")
    assert secret.log_in(server.log_in) == "next"
    assert secret.log_in(server.log_in) == "next"

    assert server.tried == ["old", "next", "next"]


def test_a_login_that_nobody_accepts_is_refused_without_trying_it_twice(
    secret: Secret, manager: SecretsManager
) -> None:
    manager.stages["AWSPENDING"] = manager.stages["AWSCURRENT"]
    server = Server()

    with pytest.raises(CredentialsRefused):
        secret.log_in(server.log_in)

    assert server.tried == ["old"]


def test_both_stages_are_tried_before_giving_up(secret: Secret, manager: SecretsManager) -> None:
    secret.current()
    manager.stages = {"AWSCURRENT": _secret("new"), "AWSPENDING": _secret("next")}
    server = Server()

    with pytest.raises(CredentialsRefused):
        secret.log_in(server.log_in)

    assert server.tried == ["old", "new", "next"]


def test_a_wrong_password_does_not_flood_secrets_manager(
    secret: Secret, manager: SecretsManager, time: Time
) -> None:
    server = Server()
    for _ in range(50):
        with pytest.raises(CredentialsRefused):
            secret.log_in(server.log_in)
    assert manager.read == ["AWSCURRENT", "AWSCURRENT", "AWSPENDING"]

    time.now += REREAD_SECONDS
    server.accepts = {"fixed"}
    manager.stages["AWSCURRENT"] = _secret("fixed")
    assert secret.log_in(server.log_in) == "fixed"


def test_the_old_login_serves_while_secrets_manager_is_down(
    secret: Secret, manager: SecretsManager, time: Time
) -> None:
    secret.current()
    manager.down, time.now = True, TTL_SECONDS

    assert secret.current().password == "old"
    assert secret.log_in(Server("old").log_in) == "old"
    assert len(manager.read) == 2


def test_a_secret_that_was_never_read_is_unreadable(
    secret: Secret, manager: SecretsManager
) -> None:
    manager.down = True
    with pytest.raises(SecretUnreadable, match="InternalServiceError"):
        secret.current()


@pytest.mark.parametrize("text", ["", "hunter2", '"hunter2"', '{"password": "hunter2"}', "[]"])
def test_a_malformed_secret_is_refused_without_showing_it(
    secret: Secret, manager: SecretsManager, text: str
) -> None:
    manager.stages["AWSCURRENT"] = text
    with pytest.raises(SecretMalformed) as refusal:
        secret.current()
    assert "hunter2" not in str(refusal.value)


def test_a_pending_version_without_a_value_is_no_candidate(
    secret: Secret, manager: SecretsManager
) -> None:
    manager.stages["AWSPENDING"] = ""
    with pytest.raises(CredentialsRefused):
        secret.log_in(Server().log_in)


def test_other_failures_of_an_attempt_are_not_about_the_login(
    secret: Secret, manager: SecretsManager
) -> None:
    def attempt(_: Login) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        secret.log_in(attempt)
    assert manager.read == ["AWSCURRENT"]


def test_a_login_does_not_show_its_password() -> None:
    assert "hunter2" not in repr(Login("analytics", "hunter2"))


def test_a_secret_without_a_client_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> Any:
        raise NoRegionError

    monkeypatch.setattr("streamflix.aws.client", fail)
    with pytest.raises(SecretUnreadable, match="NoRegionError"):
        Secret("arn").current()
