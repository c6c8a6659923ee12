"""Numbers of which only the surroundings are known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """What is most likely, between what it is at least and at most. Raises: `ValueError`."""

    low: float
    likely: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.likely <= self.high:
            raise ValueError(f"{self.low} <= {self.likely} <= {self.high} is not so")

    @classmethod
    def exactly(cls, value: float) -> Range:
        return cls(value, value, value)

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def __mul__(self, other: Range | float) -> Range:
        """Of what is never below zero."""
        if isinstance(other, Range):
            return Range(self.low * other.low, self.likely * other.likely, self.high * other.high)
        return Range(self.low * other, self.likely * other, self.high * other)


NOTHING = Range.exactly(0)
