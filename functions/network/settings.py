"""What stacks/network-closed.yaml gives this room."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from streamflix import settings

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Settings:
    """The fields stand in the template's order."""

    environment: str

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        return settings.parse(cls, env)
