"""The servers and stores of the integration tests, and a place for results."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.conftest import database, redis_ops, servers
from tests.integration.privacy.conftest import stores

__all__ = ["database", "redis_ops", "servers", "stores"]


@pytest.fixture(scope="session")
def results() -> Path:
    folder = Path(__file__).parents[1] / "docs" / "bench"
    folder.mkdir(exist_ok=True)
    return folder
