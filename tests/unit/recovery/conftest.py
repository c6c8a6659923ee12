"""The record of incidents, in DynamoDB's double."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from recovery.incidents import Incidents
from recovery.table import Table
from streamflix import aws
from tests import tables
from tests.clocks import Time
from tests.unit.recovery import scene as scenes

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "streamflix-incidents-test"


@pytest.fixture
def time() -> Time:
    return Time(10_000.0)


@pytest.fixture
def clouds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    made = aws.client
    made.cache_clear()
    with mock_aws():
        yield
    made.cache_clear()


@pytest.fixture
def table(clouds: None, time: Time) -> Table:
    client: Any = boto3.client("dynamodb")
    tables.create(client, NAME, "kind", "at")
    return Table(NAME, time)


@pytest.fixture
def incidents(table: Table) -> Incidents:
    return Incidents(table)


@pytest.fixture
def scene(table: Table, time: Time, monkeypatch: pytest.MonkeyPatch) -> scenes.Scene:
    return scenes.made(table, time, monkeypatch)
