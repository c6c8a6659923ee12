"""What a look at one thing found, measured against its objective. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Verdict:
    """`breaches` say in words what is not as it must be; empty means fine."""

    numbers: Mapping[str, float] = field(default_factory=dict)
    breaches: tuple[str, ...] = ()


def at_most(number: Mapping[str, float], limit: float, words: str) -> Verdict:
    """One number by its name. `words` take value and limit: ``{value:.0f}``, ``{limit:.0f}``."""
    [value] = number.values()
    text = words.format(value=value, limit=limit)
    return Verdict(number, (text,) if value > limit else ())


def at_least(number: Mapping[str, float], limit: float, words: str) -> Verdict:
    [value] = number.values()
    text = words.format(value=value, limit=limit)
    return Verdict(number, (text,) if value < limit else ())


def together(verdicts: Sequence[Verdict]) -> Verdict:
    numbers: dict[str, float] = {}
    for verdict in verdicts:
        numbers |= verdict.numbers
    return Verdict(numbers, tuple(breach for verdict in verdicts for breach in verdict.breaches))
