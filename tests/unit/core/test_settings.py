"""Settings complain once, about everything."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  settings.parse reads the annotations
from dataclasses import dataclass

import pytest

from streamflix import settings
from streamflix.errors import SettingsInvalid


@dataclass(frozen=True)
class Example:
    queue_url: str
    redis_port: int
    share: float
    dry_run: bool
    users: tuple[str, ...]
    arns: Mapping[str, str]
    colour: str = "blue"


GOOD = {
    "QUEUE_URL": "https://queue",
    "REDIS_PORT": "6379",
    "SHARE": "0.5",
    "DRY_RUN": "true",
    "USERS": "app, ops",
    "ARNS": '{"app": "arn:1"}',
}


def test_every_kind_of_field_is_read() -> None:
    parsed = settings.parse(Example, GOOD)

    assert parsed == Example("https://queue", 6379, 0.5, True, ("app", "ops"), {"app": "arn:1"})


def test_one_error_names_every_variable_that_is_missing_or_malformed() -> None:
    broken = {
        "REDIS_PORT": "many",
        "SHARE": "half",
        "DRY_RUN": "yes",
        "USERS": "app,,ops",
        "ARNS": "[1]",
        "COLOUR": "",
    }

    with pytest.raises(SettingsInvalid) as refusal:
        settings.parse(Example, broken)

    for name in ("QUEUE_URL", *broken):
        assert name in str(refusal.value)


@pytest.mark.parametrize("text", ["{", '{"app": 1}'])
def test_an_object_must_be_json_with_strings(text: str) -> None:
    with pytest.raises(SettingsInvalid, match="ARNS"):
        settings.parse(Example, {**GOOD, "ARNS": text})


def test_a_default_gives_way_to_a_variable() -> None:
    assert settings.parse(Example, GOOD).colour == "blue"
    assert settings.parse(Example, {**GOOD, "COLOUR": "red"}).colour == "red"


def test_the_environment_is_read_once_and_not_before_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @dataclass(frozen=True)
    class Late:
        place: str

    monkeypatch.setenv("PLACE", "first")
    assert settings.cached(Late).place == "first"
    monkeypatch.setenv("PLACE", "second")
    assert settings.cached(Late).place == "first"
