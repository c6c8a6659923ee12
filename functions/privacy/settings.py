"""What stacks/privacy.yaml gives this room."""

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
    address_book: str
    database_secret_arn: str
    redis_secret_arn: str
    redis_host: str
    redis_port: int
    files_root: str
    ledger_table: str
    keys_table: str
    key_arn: str
    signing_key_arn: str
    callbacks_queue_url: str
    ops_bus: str
    grace_seconds: int
    backup_days: int
    """How long the oldest backup still holds what was erased."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Self:
        return settings.parse(cls, env)


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """What the API gets beside it."""

    domain: str
    """Whose extensions are ours, and who signs."""
    callers_parameter: str
    state_machine_arn: str
    certificate_url: str = ""
    """Where the certificate of the signing key is, when there is one."""


@dataclass(frozen=True, slots=True)
class TendSettings:
    """What the function that looks after requests gets beside it."""

    state_machine_arn: str


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """What the function that repeats erasures in a restored copy gets."""

    environment: str
    master_secret_arn: str
    ledger_table: str
    key_arn: str
    signing_key_arn: str


@dataclass(frozen=True, slots=True)
class CallSettings:
    """What the function that calls back gets."""

    ledger_table: str
    signing_key_arn: str
    domain: str
