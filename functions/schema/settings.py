"""What stacks/schema.yaml gives this room."""

from __future__ import annotations

import os
from collections.abc import Mapping  # noqa: TC003  settings.parse reads the hints
from dataclasses import dataclass
from typing import Self

from streamflix import settings


@dataclass(frozen=True, slots=True)
class Settings:
    """The fields stand in the template's order."""

    environment: str
    address_book: str
    master_secret_arn: str
    login_secret_arns: Mapping[str, str]

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        return settings.parse(cls, env)
