"""Metrics are one line in CloudWatch's embedded format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from streamflix import metrics

if TYPE_CHECKING:
    import pytest


def test_values_are_published_under_their_environment() -> None:
    lines: list[str] = []

    metrics.publish(
        "prod", {"EventsIngested": 7, "ConsumerLagMs": 120}, write=lines.append, clock=lambda: 2.5
    )

    [line] = lines
    assert line.endswith("\n")
    assert json.loads(line) == {
        "_aws": {
            "Timestamp": 2500,
            "CloudWatchMetrics": [
                {
                    "Namespace": "StreamFlix/Ops",
                    "Dimensions": [["Environment"]],
                    "Metrics": [
                        {"Name": "EventsIngested", "Unit": "Count"},
                        {"Name": "ConsumerLagMs", "Unit": "Milliseconds"},
                    ],
                }
            ],
        },
        "Environment": "prod",
        "EventsIngested": 7,
        "ConsumerLagMs": 120,
    }


def test_without_a_place_to_write_a_line_goes_to_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    metrics.publish("prod", {"BackupAgeSeconds": 1})

    assert json.loads(capsys.readouterr().out)["BackupAgeSeconds"] == 1


def test_no_values_are_no_line() -> None:
    lines: list[str] = []
    metrics.publish("prod", {}, write=lines.append)
    assert lines == []
