"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capacity.ranges import Range


def whole(value: float) -> str:
    return f"{value:,.0f}"


def number(value: float) -> str:
    """Three digits that count."""
    return whole(value) if value >= 100 else f"{value:.3g}"


def rounded(value: float) -> str:
    digits = 10 ** max(0, math.floor(math.log10(value)) - 1)
    return whole(round(value / digits) * digits)


def spread(value: Range) -> str:
    return " / ".join(number(each) for each in (value.low, value.likely, value.high))


def dollars(value: Range) -> list[str]:
    return [whole(each) for each in (value.low, value.likely, value.high)]
