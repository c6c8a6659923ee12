"""Rows that were acknowledged and are not there: lost, or given up on purpose. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Losses:
    lost: int
    given_up: int


def reckon(missing: Iterable[float], given_up: tuple[float, float] | None) -> Losses:
    """`missing` are the moments when rows were acknowledged that are not there.

    Between the two moments of `given_up` that was the price of going back to the first one. A row
    that was acknowledged at that very moment is in the copy.
    """
    moments = list(missing)
    meant = 0
    if given_up is not None:
        target, fault = given_up
        meant = sum(target < at <= fault for at in moments)
    return Losses(len(moments) - meant, meant)
