"""However small or large the server: every room gets in, and no room takes what master needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schema.logins import LOGINS

# What AWS gives to: one ACU, db.t4g.medium, db.r7g.large, a serverless member that may sleep, and
# db.r7g.8xlarge and larger.
SERVERS = [189, 405, 1722, 2000, 5000]
RESERVED = 3  # superuser_reserved_connections

PROXY = Path(__file__).parents[3] / "stacks/proxy.yaml"


@pytest.mark.parametrize("max_connections", SERVERS)
def test_all_limits_together_leave_room_for_master(max_connections: int) -> None:
    limits = [rights.connection_limit(max_connections) for rights in LOGINS.values()]

    assert sum(limits) + RESERVED <= max_connections - 5
    assert min(limits) >= 2


def test_ten_million_viewers_have_a_connection_for_each_shard() -> None:
    assert LOGINS["analytics"].connection_limit(1722) >= 390


def test_the_proxy_meets_its_own_limit_before_that_of_its_login() -> None:
    [percent] = re.findall(r"MaxConnectionsPercent: (\d+)", PROXY.read_text())

    assert int(percent) < LOGINS["app"].connection_percent


def test_the_smallest_server_still_lets_everybody_in() -> None:
    assert {rights.connection_limit(10) for rights in LOGINS.values()} <= set(range(2, 6))
