"""Metrics in CloudWatch's embedded format: one line of JSON per invocation, numbers only."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAMESPACE = "StreamFlix/Ops"

_UNITS = {"Ms": "Milliseconds", "Seconds": "Seconds"}


def publish(
    environment: str,
    values: Mapping[str, float],
    about: Mapping[str, str] | None = None,
    *,
    write: Callable[[str], object] | None = None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Publish values under the dimension Environment; the unit follows from the end of the name.

    `about` says what they are of, for whoever reads the log; it is no dimension. Never a person.

    Powertools' Metrics would add a dimension for its service name, and with it other metrics than
    those that the alarms watch.
    """
    if not values:
        return
    line = {
        "_aws": {
            "Timestamp": int(clock() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Environment"]],
                    "Metrics": [{"Name": name, "Unit": _unit(name)} for name in values],
                }
            ],
        },
        "Environment": environment,
        **(about or {}),
        **values,
    }
    (write or sys.stdout.write)(json.dumps(line, separators=(",", ":")) + "\n")


def _unit(name: str) -> str:
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return unit
    return "Count"
