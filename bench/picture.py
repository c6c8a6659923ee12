"""A curve as SVG: few points, both axes named, no library."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, EDGE = 560, 260, 56


def curve(title: str, unit: str, points: Sequence[tuple[str, float]], bar: float) -> str:
    """Points from left to right at even distances; `bar` is drawn as a line that must not be met.

    Both axes begin at zero, so that what is flat looks flat.
    """
    top = max(bar, *(value for _, value in points)) * 1.1
    step = (WIDTH - 2 * EDGE) / max(1, len(points) - 1)

    def place(number: int, value: float) -> tuple[float, float]:
        height = HEIGHT - EDGE - value / top * (HEIGHT - 2 * EDGE)
        return EDGE + number * step, height

    line = " ".join(
        f"{x:.1f},{y:.1f}"
        for x, y in (place(number, value) for number, (_, value) in enumerate(points))
    )
    dots = "".join(
        _dot(*place(number, value), name, f"{value:.0f}")
        for number, (name, value) in enumerate(points)
    )
    limit = place(0, bar)[1]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        f'<text x="{EDGE}" y="20" font-size="14">{title} ({unit})</text>'
        f'<line x1="{EDGE}" y1="{limit:.1f}" x2="{WIDTH - EDGE}" y2="{limit:.1f}" '
        'stroke="#c00" stroke-dasharray="4"/>'
        f'<text x="{WIDTH - EDGE + 4}" y="{limit + 4:.1f}" fill="#c00">{bar:.0f}</text>'
        f'<line x1="{EDGE}" y1="{HEIGHT - EDGE}" x2="{WIDTH - EDGE}" y2="{HEIGHT - EDGE}" '
        'stroke="black"/>'
        f'<polyline points="{line}" fill="none" stroke="#06c" stroke-width="2"/>{dots}</svg>\n'
    )


def _dot(x: float, y: float, name: str, value: str) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#06c"/>'
        f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{value}</text>'
        f'<text x="{x:.1f}" y="{HEIGHT - EDGE + 18}" text-anchor="middle">{name}</text>'
    )
