"""The hold, as this room takes it: across processes, and anew with each step."""

from __future__ import annotations

from streamflix import hold

# Longer than a restore may take, and shorter than a night: a workflow that was stopped by hand
# must not keep rotations and deploys out for ever.
SECONDS = 3 * 3600


def take(table: str, token: str) -> None:
    """Whoever holds takes it anew: an execution that is redriven hours later must not go on beside
    a rotation, or beside the next drill. Raises: `EnvironmentHeld`."""
    hold.take(table, "recovery", token, token, lease_seconds=SECONDS)
