"""An AWS account in memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from account import guard
from tests.unit.account.answers import Answers
from tests.unit.account.restoring import Machine, Screen

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's shell says about AWS, these tests do not hear it."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "BOTO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("YES", raising=False)


@pytest.fixture
def real_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Credentials of a real account, as far as anybody can tell."""
    with mock_aws():
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "somebodys-own")
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        yield


@pytest.fixture
def dev(real_account: None) -> guard.Account:
    return guard.identify("dev", boto3.session.Session())


@pytest.fixture
def vault(dev: guard.Account) -> Any:
    return dev.client("secretsmanager")


@pytest.fixture
def book(dev: guard.Account) -> Any:
    return dev.client("ssm")


@pytest.fixture
def answers() -> Answers:
    """An account that answers as it is told."""
    return Answers()


@pytest.fixture
def machine(answers: Answers) -> Machine:
    return Machine(answers)


@pytest.fixture
def screen() -> Screen:
    return Screen()
