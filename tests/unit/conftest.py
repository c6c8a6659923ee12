"""Unit tests talk to nobody."""

from __future__ import annotations

import pytest
from hypothesis import settings
from pytest_socket import disable_socket

# A shared machine is slow at times; that is no finding.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")


@pytest.fixture(autouse=True)
def no_network() -> None:
    disable_socket(allow_unix_socket=True)
