"""What this room tells the platform: ids and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamflix import bus

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = "streamflix.recovery"


def tell(name: str, kind: str, detail: Mapping[str, Any]) -> None:
    """Put one event on the ops bus of that name."""
    bus.tell(name, SOURCE, kind, detail)
