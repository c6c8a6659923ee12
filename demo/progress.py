"""Says how far a long step is: a bar on a terminal, a plain line now and then anywhere else."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

LINE_EVERY_S: Final = 5.0


@contextmanager
def step(console: Console, title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields what to call with the number of things that are done, over and over."""
    began = time.monotonic()
    if console.is_terminal:
        columns = TextColumn("{task.description:<11}"), BarColumn(), MofNCompleteColumn()
        with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
            task = bars.add_task(title, total=total)
            yield lambda done: bars.update(task, completed=done)
        return
    console.print(f"{title} …")
    yield _lines(console, title, total)
    console.print(f"{title}: done in {time.monotonic() - began:.1f} s")


def _lines(console: Console, title: str, total: int) -> Callable[[int], None]:
    last = time.monotonic()

    def tell(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_EVERY_S:
            last = time.monotonic()
            console.print(f"{title}: {done:,} of {total:,}")

    return tell
