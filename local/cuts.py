"""Which TLS addresses are cut off from their clients right now, as a file of the instance says.

The file is a door for game days: JSON, each address with the moment (seconds since 1970) at which
the cut ends by itself. A cut address resets everybody who is there and everybody who comes; nothing
else is emulated: no packet is lost in silence, no other way to the servers is closed.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

FILE = "chaos/network"
LONGEST_SECONDS = 120.0
"""A file that asks for more is not obeyed: no typing error cuts an address for ever."""


class Cuts:
    """Reads the file anew each time; whatever is not readable cuts nobody."""

    def __init__(self, home: Path, clock: Callable[[], float] = time.time) -> None:
        self._file = home / FILE
        self._clock = clock

    def now(self) -> frozenset[str]:
        """The addresses (`host:port`) that are cut at this moment."""
        try:
            asked = json.loads(self._file.read_text())
            left = {str(name): float(until) - self._clock() for name, until in asked.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return frozenset()
        return frozenset(name for name, rest in left.items() if 0 < rest <= LONGEST_SECONDS)


def cut(home: Path, addresses: Iterable[str], seconds: float) -> None:
    """Cut these addresses, and no others, for so long."""
    file = home / FILE
    file.parent.mkdir(exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(dict.fromkeys(addresses, time.time() + seconds)))
    draft.replace(file)


def heal(home: Path) -> None:
    """Cut nobody any more. Safe to repeat."""
    with contextlib.suppress(FileNotFoundError):
        (home / FILE).unlink()
