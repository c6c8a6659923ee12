"""The tables that the demo ends its chapters with."""

from __future__ import annotations

from rich import box
from rich.table import Table


def words(title: str, *columns: str) -> Table:
    """A table of texts; without columns' names it has no head."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD,
                  show_header=any(columns), pad_edge=False)  # fmt: skip
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def figures(title: str, what: str, *columns: str, note: str | None = None) -> Table:
    """A table of numbers: each row is named by its first column, and may end with a text."""
    table = words(title, what)
    table.show_header = any((what, *columns, note))
    for column in columns:
        table.add_column(column, justify="right")
    if note is not None:
        table.add_column(note, overflow="fold")
    return table
