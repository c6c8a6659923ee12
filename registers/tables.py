"""Tables in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Numbers stand to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    columns = list(zip(*cells, strict=True)) if cells else [() for _ in head]
    sides = [
        "---:" if any(column) and all(_number(cell) for cell in column) else "---"
        for column in columns
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [list(head), sides, *cells])


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|").strip()


def _number(cell: str) -> bool:
    return not cell or cell.replace(",", "").replace(" %", "").isdigit()
