"""Curves over axes of powers of ten, or of seconds, as SVG: no library."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, HEIGHT, EDGE, RIGHT = 760, 420, 60, 190
COLOURS: Final = ("#06c", "#c60", "#090", "#a0a", "#c00")


@dataclass(frozen=True, slots=True)
class Curve:
    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    low: float
    high: float
    logarithmic: bool

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        if not self.logarithmic:
            return (value - self.low) / (self.high - self.low)
        value = max(value, self.low)
        return math.log(value / self.low) / math.log(self.high / self.low)

    @property
    def marks(self) -> list[float]:
        if self.logarithmic:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        step = 10 ** math.floor(math.log10((self.high - self.low) / 2))
        step *= next(k for k in (1, 2, 5) if (self.high - self.low) / (step * k) <= 8)
        return [self.low + step * n for n in range(int((self.high - self.low) / step) + 1)]

    @classmethod
    def of(cls, values: Sequence[float], *, logarithmic: bool) -> Axis:
        if logarithmic:
            low = 10.0 ** math.floor(math.log10(min(value for value in values if value > 0)))
            high = 10.0 ** math.ceil(math.log10(max(values)))
            return cls(low, high if high > low else low * 10, logarithmic)
        return cls(0.0, max(*values, 1.0) * 1.05, logarithmic)


def growth(title: str, x_name: str, curves: Sequence[Curve]) -> str:
    """Both axes in powers of ten."""
    return _drawn(title, x_name, curves, logarithmic=True)


def over_time(title: str, curves: Sequence[Curve]) -> str:
    """Seconds over seconds; both axes begin at zero, so that what is flat looks flat."""
    return _drawn(title, "s since the start", curves, logarithmic=False)


def _drawn(title: str, x_name: str, curves: Sequence[Curve], *, logarithmic: bool) -> str:
    every = [point for curve in curves for point in curve.points]
    across = Axis.of([x for x, _ in every], logarithmic=logarithmic)
    up = Axis.of([y for _, y in every], logarithmic=logarithmic)

    def x(value: float) -> float:
        return EDGE + across.place(value) * (WIDTH - EDGE - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - EDGE - up.place(value) * (HEIGHT - 2 * EDGE)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{EDGE}" y="24" font-size="14">{escape(title)}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 14}" text-anchor="end">{escape(x_name)}</text>',
    ]
    for mark in across.marks:
        parts.append(_line(x(mark), y(up.low), x(mark), y(up.high)))
        parts.append(_text(x(mark), HEIGHT - EDGE + 18, _number(mark, logarithmic), "middle"))
    for mark in up.marks:
        parts.append(_line(x(across.low), y(mark), x(across.high), y(mark)))
        parts.append(_text(EDGE - 6, y(mark) + 4, _number(mark, logarithmic), "end"))
    parts += _curves(curves, x, y)
    return "\n".join([*parts, "</svg>\n"])


def _curves(
    curves: Sequence[Curve], x: Callable[[float], float], y: Callable[[float], float]
) -> list[str]:
    parts, lowest = [], math.inf
    # Names stand where their curves end; where two would meet, the upper one moves up.
    named = sorted(enumerate(curves), key=lambda each: -y(each[1].points[-1][1]))
    for number, curve in named:
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in curve.points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lowest = min(lowest - 15, y(curve.points[-1][1]) + 4)
        name = _text(WIDTH - RIGHT + 8, lowest, curve.name, "start")
        parts.append(name.replace("<text ", f'<text fill="{colour}" ', 1))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _number(value: float, logarithmic: bool) -> str:
    if logarithmic:
        return f"{value:,.0f}" if 1 <= value < 10_000 else f"{value:.0e}".replace("e+0", "e")
    return f"{value:,.0f}"
