"""The hold, as this room takes it: across processes, and anew with each step."""

from __future__ import annotations

from streamflix import hold

# Longer than a restore may take, and shorter than a night: a workflow that was stopped by hand
# must not keep rotations and deploys out for ever.
SECONDS = 3 * 3600
REHEARSAL = "a drill"


def take(table: str, token: str, mode: str = "cutover") -> None:
    """Whoever holds takes it anew: an execution that is redriven hours later must not go on beside
    a rotation, or beside the next drill. What is meant in earnest takes it from what rehearses.
    Raises: `EnvironmentHeld`."""
    drills = mode == "drill"
    hold.take(
        table,
        "recovery",
        f"{REHEARSAL if drills else 'a cutover'}, {token}",
        token,
        lease_seconds=SECONDS,
        instead_of="" if drills else REHEARSAL,
    )
