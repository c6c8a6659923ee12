"""What a writer tells of itself: the numbers that RDS publishes as metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.postgres import ADMIN

if TYPE_CHECKING:
    import psycopg2

QUERY = """
SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()),
       (SELECT count(*) FROM pg_stat_activity
         WHERE backend_type = 'client backend' AND usename <> %s),
       (SELECT max(age(datfrozenxid)) FROM pg_database),
       (SELECT sum(deadlocks) FROM pg_stat_database),
       (SELECT max(extract(epoch FROM coalesce(replay_lag, '0'))) FROM pg_stat_replication)
"""


@dataclass(frozen=True, slots=True)
class Vitals:
    uptime_seconds: float
    connections: int
    transaction_ids: int
    deadlocks: int
    """Since the server has begun to count."""
    replica_lag_ms: float | None
    """Of the reader that is furthest behind; None without readers."""


def read(connection: psycopg2.extensions.connection) -> Vitals:
    with connection.cursor() as cursor:
        cursor.execute(QUERY, (ADMIN,))
        [(uptime, connections, transactions, deadlocks, lag)] = cursor.fetchall()
    return Vitals(
        uptime_seconds=float(uptime),
        connections=int(connections),
        transaction_ids=int(transactions),
        deadlocks=int(deadlocks),
        replica_lag_ms=None if lag is None else float(lag) * 1000,
    )
