"""Databases that these tests may break: they are not those of the other integration tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.local.databases import Databases, started
from tests.integration.local.laptop import Laptop, launched

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with started(tmp_path_factory.mktemp("servers")) as databases:
        yield databases


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with launched(tmp_path_factory.mktemp("laptop")) as running:
        running.deploy()
        yield running
