"""A cutover to half an hour ago, for a proof: on a laptop cloud of its own, by the end-to-end tests
of a cutover, which look at all that must have come through."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.instance import Instance
from prove.platform import laptop
from prove.privacy import numbers, pytest

MINUTES_BACK: Final = 30
PORTS: Final = 50
"""So many lie between two laptop clouds of one checkout."""
TESTS: Final = "tests/e2e/recovery/test_cutover.py"


@dataclass(frozen=True, slots=True)
class Past:
    """What the tests have measured; nothing when they were not run to their end."""

    held: bool
    back_seconds: float | None = None
    """From what the copy shows to the beginning of the cutover."""
    rto_seconds: float | None = None
    batches: int | None = None
    """Of events, counted exactly once."""

    @property
    def well(self) -> bool:
        return self.held and (self.back_seconds or 0) >= 60 * MINUTES_BACK


def cut_over(root: Path) -> Past:
    """Takes a little longer than half an hour, and next to no CPU."""
    beside = str(Instance.named("prove", root=root).port_base + PORTS)
    instance = Instance.named("past", root=root, env={"STREAMFLIX_PORT_BASE": beside})
    laptop(instance, "up", STREAMFLIX_PORT_BASE=beside)
    try:
        laptop(instance, "deploy")
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "past.xml"
            command = [sys.executable, "-m", "local", "--instance", instance.name, "run", "--"]
            wish = ["env", f"CUTOVER_MINUTES_BACK={MINUTES_BACK}"]  # `run` lets no other in
            done = subprocess.run(
                [*command, *wish, *pytest(root, report), TESTS], cwd=root, check=False
            )
            found = numbers(report) if report.exists() else {}
    finally:
        laptop(instance, "down")
    if "batches" not in found:
        return Past(held=False)
    return Past(
        done.returncode == 0,
        float(found["back_seconds"]),
        float(found["rto_seconds"]),
        int(found["batches"]),
    )
