"""The file that a shell sources to reach the laptop cloud, and nothing but the laptop cloud."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# A profile, a session token or the endpoint of one service would lead a client elsewhere.
FORGET = r"unset $(env | sed -nE 's/^((AWS|BOTO)_[A-Za-z0-9_]*)=.*/\1/p')"


def write(path: Path, variables: Mapping[str, str]) -> None:
    """Write `path` atomically; `. path` in any POSIX shell then talks to the laptop cloud only."""
    lines = [
        "# Written by `make up`. Source it: AWS clients of this shell reach the laptop cloud only.",
        FORGET,
        *(f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())),
    ]
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text("\n".join(lines) + "\n")
    fresh.replace(path)
