"""The part of the `rds` hook that CloudWatch sees: what the writers tell of themselves.

A cluster without a writer that answers tells nothing. Numbers of a cluster are its writer's, the
lag its readers'.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import psycopg2
from ministack.services import rds

from local.metric_sources import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.context import Cloud
    from local.databases import Databases
    from local.postgres_vitals import Vitals

    Value = tuple[str, float, str]

PATCHES: tuple[str, ...] = ("ministack.services.rds:_clusters",)

NAMESPACE = "AWS/RDS"
UPTIME, DEADLOCKS = "EngineUptime", "Deadlocks"
CONNECTIONS, TRANSACTIONS = "DatabaseConnections", "MaximumUsedTransactionIDs"
LAG = "AuroraReplicaLagMaximum"


def install(cloud: Cloud, databases: Databases) -> None:
    cloud.metrics.give(NAMESPACE, UPTIME, DEADLOCKS, CONNECTIONS, TRANSACTIONS, LAG)
    cloud.metrics.measure(Pulse(databases).readings)


class Pulse:
    """Remembers how many deadlocks there were, as CloudWatch has their rate."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._deadlocks: dict[str, tuple[float, int]] = {}

    def readings(self) -> Iterator[Reading]:
        for (account, region, name), _ in rds._clusters.all_items():
            found = self._databases.behind(name)
            if found is None:
                continue
            cluster, _ = found
            with contextlib.suppress(psycopg2.Error):
                for metric, value, unit in self._values(name, cluster.vitals()):
                    role = {"Role": "WRITER"} if metric == UPTIME else {}
                    of = {"DBClusterIdentifier": name} | role
                    yield Reading(account, region, NAMESPACE, metric, value, unit, of)

    def _values(self, name: str, vitals: Vitals) -> Iterator[Value]:
        yield UPTIME, vitals.uptime_seconds, "Seconds"
        yield CONNECTIONS, vitals.connections, "Count"
        yield TRANSACTIONS, vitals.transaction_ids, "Count"
        yield DEADLOCKS, self._per_second(name, vitals.deadlocks), "Count/Second"
        if vitals.replica_lag_ms is not None:
            yield LAG, vitals.replica_lag_ms, "Milliseconds"

    def _per_second(self, name: str, count: int) -> float:
        now = time.monotonic()
        then, before = self._deadlocks.get(name, (now, count))
        self._deadlocks[name] = now, count
        return max(0, count - before) / (now - then) if now > then else 0.0
