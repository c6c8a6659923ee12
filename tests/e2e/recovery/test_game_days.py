"""Small game days: the database's servers and the consumer die, and nothing is lost.

Alarms take minutes: `make chaos` and `make prove ROOM=recovery` wait for them, these tests do not.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import environment

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".local/venvs/cloud/bin/python"

pytestmark = [
    pytest.mark.destructive,
    pytest.mark.skipif(
        environment() != "local", reason="the processes of an account's servers are AWS's"
    ),
]


def held(scenario: str, folder: Path) -> dict[str, Any]:
    """A game day without the alarms' minutes: what it measured. It ends well or the test fails."""
    told = folder / "result.json"
    done = subprocess.run(
        [PYTHON, "-m", "chaos", scenario, "--quick", "--json", told],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [result] = json.loads(told.read_text())
    found: dict[str, Any] = result
    return found


def assert_nothing_lost(result: dict[str, Any]) -> None:
    assert result["acknowledged"] > 0
    assert result["events"] > 0
    assert (result["lost"], result["events_lost"], result["events_duplicated"]) == (0, 0, 0)


def test_a_writer_that_is_killed_is_replaced_within_ten_seconds(tmp_path: Path) -> None:
    result = held("writer-killed", tmp_path)

    assert 0 < result["writes_s"] <= 10
    assert result["failed_writes"] > 0
    assert_nothing_lost(result)


def test_a_reader_that_is_killed_costs_no_write(tmp_path: Path) -> None:
    result = held("reader-killed", tmp_path)

    assert 0 < result["reads_s"] <= 5
    assert result["writes_s"] <= 3
    assert_nothing_lost(result)


def test_a_consumer_that_is_killed_inside_a_transaction_counts_every_event_once(
    tmp_path: Path,
) -> None:
    result = held("lambda-killed", tmp_path)

    assert "a transaction open" in result["fault"]
    assert_nothing_lost(result)
