"""What stacks/rotation.yaml gives this room."""

from __future__ import annotations

import os
from collections.abc import Mapping  # noqa: TC003  settings.parse reads the hints
from dataclasses import dataclass
from typing import Self

from rotation.errors import NotOurSecret
from streamflix import settings
from streamflix.errors import SettingsInvalid

WAYS_IN = ("password", "token")


@dataclass(frozen=True, slots=True)
class Settings:
    """The fields stand in the template's order."""

    environment: str
    address_book: str
    secret_arns: Mapping[str, str]
    """By login: master, app, analytics, privacy, recovery, redis/app, redis/ops."""
    app_login: str
    """`password` where the proxy logs in as app, `token` where the service does so itself."""
    redis_host: str
    redis_port: int
    redis_group_id: str
    redis_user_ids: Mapping[str, str]
    """ElastiCache's id of the user behind a login."""
    hold_table: str
    ops_bus: str
    min_interval_seconds: int
    retire_after_seconds: int
    adopted_secrets: tuple[str, ...]
    """Logins whose old password stays until its consumer says that it has taken up the new one."""

    def __post_init__(self) -> None:
        if self.app_login not in WAYS_IN:
            raise SettingsInvalid(f"APP_LOGIN is neither {' nor '.join(WAYS_IN)}")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        return settings.parse(cls, env)

    def login_of(self, arn: str) -> str:
        """Raises: `NotOurSecret`."""
        for login, known in self.secret_arns.items():
            if known == arn:
                return login
        raise NotOurSecret("the event names a secret that is not among the seven")
