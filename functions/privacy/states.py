"""The life of a request: one table of allowed moves. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

from privacy.errors import IllegalMove

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["received", "verified", "fenced", "erasing", "verifying", "completed", "cancelled"]
Status = Literal["pending", "in_progress", "completed", "cancelled"]

STATES: Final[tuple[State, ...]] = get_args(State)

# Whoever is fenced is erased: the sessions are gone, and writers have begun to leave events out.
MOVES: Final[Mapping[State, frozenset[State]]] = {
    "received": frozenset({"verified", "cancelled"}),
    "verified": frozenset({"fenced", "cancelled"}),
    "fenced": frozenset({"erasing"}),
    "erasing": frozenset({"verifying"}),
    "verifying": frozenset({"erasing", "completed"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}

# Whose tombstones a restored copy must have.
BEYOND_THE_FENCE: Final[tuple[State, ...]] = ("fenced", "erasing", "verifying", "completed")

# What a replay does, and nothing else: a restored copy has lost the tombstones, and rows are back.
REPLAYED: Final[Mapping[State, State]] = {"erasing": "fenced", "verifying": "fenced"}

# What OpenDSR calls it.
STATUS: Final[Mapping[State, Status]] = {
    "received": "pending",
    "verified": "pending",
    "fenced": "in_progress",
    "erasing": "in_progress",
    "verifying": "in_progress",
    "completed": "completed",
    "cancelled": "cancelled",
}


def check(source: State, target: State) -> None:
    """Raises: `IllegalMove`."""
    if target not in MOVES[source]:
        raise IllegalMove(f"from {source} to {target}")


def is_open(state: State) -> bool:
    return bool(MOVES[state])
