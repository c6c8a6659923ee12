"""What stacks/recovery-*.yaml give this room; the fields stand in the templates' order."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  settings.parse reads the hints
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    environment: str
    address_book: str
    database_secret_arn: str
    incidents_table: str


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    environment: str
    incidents_table: str
    ops_bus: str
    page_topic_arn: str
    cluster_id: str
    database_zones: int
    """Zones that instances must stand in: as many as there are instances, three at most."""
    redis_group_id: str
    redis_zones: int
    service_cluster: str
    service_name: str
    service_zones: int
    stream_name: str
    backup_vault: str
    secret_arns: tuple[str, ...]
    rpo_seconds: int
    rto_seconds: int
    replica_lag_seconds: int = 0
    """How old what readers show may be; 0 where the database may sleep and nobody looks."""
    certificate_arn: str = ""
    """The balancer's, when it has one."""


@dataclass(frozen=True, slots=True)
class ObserveSettings:
    incidents_table: str


@dataclass(frozen=True, slots=True)
class StepSettings:
    """Of whoever takes steps of the restore workflow through AWS's APIs."""

    environment: str
    incidents_table: str
    hold_table: str
    ops_bus: str
    cluster_id: str
    quarantine_group_id: str


@dataclass(frozen=True, slots=True)
class RestoreSettings(StepSettings):
    master_secret_arn: str
    secret_arns: tuple[str, ...]
    """Those of the database's logins, master's included."""
    quarantine_days: int
    """How long a cluster that was replaced is kept."""


@dataclass(frozen=True, slots=True)
class CutoverSettings(StepSettings):
    address_book: str
    mapping_id: str
    """The consumer's, of the stream."""
    proxy_name: str = ""


@dataclass(frozen=True, slots=True)
class CopySettings:
    environment: str
    master_secret_arn: str
    login_secret_arns: Mapping[str, str]
    """By login: app, analytics, privacy, recovery."""
