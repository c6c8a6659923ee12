"""What the commands show. Everything that is printed goes through here."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH_WITHOUT_TERMINAL = 140
SECONDS_BETWEEN_LINES_WITHOUT_TERMINAL = 30
LOUD = {"FAIL", "PAGE", "OPEN"}
"""A row that has one of these is shown in red."""


class View(Protocol):
    """A place to tell the user something."""

    def say(self, line: str) -> None: ...

    def table(self, title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None: ...

    def progress(self, line: str) -> None:
        """One line that replaces the one before; empty ends it."""


class Terminal:
    """Standard output; without a terminal, progress is a line every now and then."""

    def __init__(self) -> None:
        from rich.console import Console

        width = None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL
        self._console = Console(highlight=False, markup=False, width=width)
        self._status: Any = None
        self._told = 0.0
        self._last = ""

    def say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)

    def table(self, title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        from rich.table import Table

        table = Table(
            title=title, title_justify="left", title_style="bold", box=None, pad_edge=False
        )
        for name in head:
            table.add_column(name, overflow="fold", header_style="dim")
        for row in rows:
            table.add_row(*row, style="bold red" if LOUD.intersection(row) else None)
        self._console.print(table)

    def progress(self, line: str) -> None:
        if self._console.is_terminal:
            self._spin(line)
        elif line and line != self._last:
            if time.monotonic() - self._told >= SECONDS_BETWEEN_LINES_WITHOUT_TERMINAL:
                self._told = time.monotonic()
                self.say(f"  … {line}")
            self._last = line

    def _spin(self, line: str) -> None:
        if self._status is None and line:
            self._status = self._console.status(line)
            self._status.start()
        elif self._status is not None and line:
            self._status.update(line)
        elif self._status is not None:
            self._status.stop()
            self._status = None
