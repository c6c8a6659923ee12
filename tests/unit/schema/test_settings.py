"""What the template tells the function about the ways in."""

from __future__ import annotations

import pytest

from schema.settings import Settings
from streamflix.errors import SettingsInvalid

ENVIRONMENT = {
    "ENVIRONMENT": "dev",
    "ADDRESS_BOOK": "/streamflix/dev/aurora",
    "MASTER_SECRET_ARN": "arn:m",
    "LOGIN_SECRET_ARNS": '{"app": "arn:a", "analytics": "arn:b"}',
    "APP_LOGIN": "password",
}


def test_settings_are_read_in_the_templates_words() -> None:
    settings = Settings.from_env(ENVIRONMENT)

    assert settings.login_secret_arns == {"app": "arn:a", "analytics": "arn:b"}
    assert settings.master_secret_arn == "arn:m"


def test_settings_that_are_missing_are_named_all_at_once() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        Settings.from_env({"LOGIN_SECRET_ARNS": "[]"})

    for name in ENVIRONMENT:
        assert name in str(refused.value)


@pytest.mark.parametrize(("way", "logins"), [("password", set()), ("token", {"app"})])
def test_behind_the_proxy_app_brings_a_password_without_one_a_token(
    way: str, logins: set[str]
) -> None:
    assert Settings.from_env(ENVIRONMENT | {"APP_LOGIN": way}).by_token == logins


def test_another_way_in_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="APP_LOGIN is neither password nor token"):
        Settings.from_env(ENVIRONMENT | {"APP_LOGIN": "Token"})
