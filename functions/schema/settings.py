"""What stacks/schema.yaml and stacks/schema-copy.yaml give this room."""

from __future__ import annotations

import os
from collections.abc import Mapping  # noqa: TC003  settings.parse reads the hints
from dataclasses import dataclass
from typing import Self

from streamflix import settings
from streamflix.errors import SettingsInvalid

WAYS_IN = ("password", "token")


@dataclass(frozen=True, slots=True)
class Settings:
    """The fields stand in the template's order."""

    environment: str
    address_book: str
    master_secret_arn: str
    login_secret_arns: Mapping[str, str]
    app_login: str
    """`password` where the proxy logs in as app, `token` where the service does so itself."""

    def __post_init__(self) -> None:
        if self.app_login not in WAYS_IN:
            raise SettingsInvalid(f"APP_LOGIN is neither {' nor '.join(WAYS_IN)}")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        return settings.parse(cls, env)

    @property
    def by_token(self) -> frozenset[str]:
        """The logins that bring IAM tokens."""
        return frozenset({"app"} if self.app_login == "token" else ())


@dataclass(frozen=True, slots=True)
class CopySettings:
    """What the function that migrates a restored copy gets."""

    environment: str
    master_secret_arn: str
