"""What stacks/analytics.yaml gives this room."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """The fields stand in the template's order."""

    environment: str
    address_book: str
    database_secret_arn: str
    redis_secret_arn: str
    redis_host: str
    redis_port: int
    rejects_queue_url: str


@dataclass(frozen=True, slots=True)
class ReplaySettings(Settings):
    """What stacks/analytics-replay.yaml gives: the consumer's, and what Lambda reads for that."""

    stream_arn: str


@dataclass(frozen=True, slots=True)
class ShowSettings:
    """What stacks/analytics-replay.yaml gives to what answers the API."""

    environment: str
    address_book: str
    database_secret_arn: str
    redis_secret_arn: str
    redis_host: str
    redis_port: int
    rollup_minute_days: int


@dataclass(frozen=True, slots=True)
class KeepSettings:
    """What the same stack gives to what makes hours of old minutes."""

    environment: str
    address_book: str
    database_secret_arn: str
    rollup_minute_days: int
    rollup_hour_days: int
