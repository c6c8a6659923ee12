"""One at a time: whoever breaks the laptop cloud, or measures it, would measure another one."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chaos import processes
from demo.platform import CannotPlay

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def alone() -> Iterator[None]:
    """Raises: `CannotPlay` while somebody else is at it."""
    place = processes.home() / "chaos"
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotPlay("another game day, or a recording, is going on") from None
        yield
