"""The hold, as this room takes it: across processes, and anew with each step."""

from __future__ import annotations

from streamflix import hold

# Longer than a restore may take, and shorter than a night: a workflow that was stopped by hand
# must not keep rotations and deploys out for ever.
SECONDS = 3 * 3600
CALLED = {"drill": "a drill", "cutover": "a cutover", "adopt": "an adoption"}


def take(table: str, token: str, mode: str) -> None:
    """Whoever holds takes it anew: an execution that is redriven hours later must not go on beside
    a rotation, or beside the next drill. A cutover takes it from a drill: somebody waits.
    Raises: `EnvironmentHeld`."""
    hold.take(
        table,
        "recovery",
        f"{CALLED[mode]}, {token}",
        token,
        lease_seconds=SECONDS,
        gives_way=mode == "drill",
        goes_first=mode == "cutover",
    )
