"""A drill of a gigabyte, for a proof: prints its figures as JSON, ends with 1 when a bar is missed.

Runs inside `local run`. Fills the app schema, lets somebody be erased after the moment that is
restored, and starts the workflow as a person would.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from demo import privacy, recovery
from demo.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNTS: Final = 320_000
BATCH: Final = 20_000
LEAST_BYTES: Final = 1_000_000_000
LEAST_WAL_BYTES: Final = 200_000_000
DRILL_SECONDS: Final = 120.0
RPO_SECONDS: Final = 15.0
PATIENCE_SECONDS: Final = 300.0

# One account, its profile, its device and sixteen evenings, for each number.
FILL: Final = """
WITH number AS (SELECT n, md5('a' || n)::uuid AS account, md5('p' || n)::uuid AS profile
                  FROM generate_series(%(first)s, %(last)s) AS n),
     account AS (INSERT INTO app.account (account_id, email, country)
                 SELECT account, 'viewer' || n || '@bulk.example', 'DE' FROM number),
     profile AS (INSERT INTO app.profile (profile_id, account_id, name)
                 SELECT profile, account, 'Viewer ' || n FROM number),
     device AS (INSERT INTO app.device (account_id, kind, label)
                SELECT account, 'tv', 'living room of ' || n FROM number)
INSERT INTO app.watch_history
SELECT profile, gen_random_uuid(), 'title-' || (n + m) %% 5000, now() - m * interval '1 day',
       60 * m, 60 * m, 'tv'
  FROM number, generate_series(1, 16) AS m
"""


def main() -> int:
    platform = Platform.open(Path(os.environ["STREAMFLIX_OUTPUTS"]))
    figures = prove(platform, Console(file=sys.stderr, width=100))
    sys.stdout.write(json.dumps(figures))
    return 0 if figures["held"] else 1


def prove(platform: Platform, console: Console) -> dict[str, Any]:
    console.print(f"filling the app schema with {ACCOUNTS:,} accounts")
    filled, wal_bytes = _fill(platform)
    size = _size(platform)
    privacy.allow(platform)
    person = privacy.Person()
    privacy.settle(platform, person)
    time.sleep(2)
    target = datetime.now(UTC)
    _await_restorable(platform, target)
    privacy.erase(platform, console, person)
    before = recovery.drill(platform, console, target.isoformat())
    latest = recovery.drill(platform, console, "latest")
    for record in (before, latest):
        assert record["outcome"] == "passed", record["reason"]
    bars = {
        "bytes": size >= LEAST_BYTES,
        "wal": wal_bytes >= LEAST_WAL_BYTES,
        "seconds": max(before["rto_seconds"], latest["rto_seconds"]) <= DRILL_SECONDS,
        "rpo": latest["rpo_seconds"] <= RPO_SECONDS,
        "erased": before["accounts_erased"] == 1 and latest["accounts_erased"] == 0,
        "complete": before["accounts"] >= filled >= ACCOUNTS,
    }
    return {
        "accounts": before["accounts"],
        "megabytes": round(size / 1e6),
        "wal_megabytes": round(wal_bytes / 1e6),
        "to_a_time": before,
        "latest": latest,
        "missed": sorted(name for name, met in bars.items() if not met),
        "held": all(bars.values()),
    }


def _fill(platform: Platform) -> tuple[int, int]:
    """Returns how many accounts there are now, and how many bytes of log follow the base backup
    that a restore begins with.

    The laptop takes a new base backup now and then; it is filled until enough follows the last.
    """
    marks: list[tuple[datetime, int]] = []
    for first in range(1, 2 * ACCOUNTS, BATCH):
        with platform.postgres("master") as connection, connection.cursor() as cursor:
            cursor.execute("SET ROLE app_owner")
            cursor.execute(FILL, {"first": first, "last": first + BATCH - 1})
        marks.append((datetime.now(UTC), _wal(platform)))
        filled, base = first + BATCH - 1, _restorable(platform)["EarliestRestorableTime"]
        since = next((wal for at, wal in marks if at >= base), marks[-1][1])
        follows = marks[-1][1] - since
        if filled >= ACCOUNTS and follows >= LEAST_WAL_BYTES:
            break
    return filled, follows


def _wal(platform: Platform) -> int:
    return int(_ask(platform, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))


def _size(platform: Platform) -> int:
    return int(
        _ask(
            platform,
            "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class AS c"
            " WHERE relnamespace = 'app'::regnamespace AND relkind = 'r'",
        )
    )


def _ask(platform: Platform, query: str) -> Any:
    with platform.postgres("master") as connection, connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
        assert row is not None
        return row[0]


def _restorable(platform: Platform) -> Mapping[str, Any]:
    name = platform.outputs["AuroraClusterId"]
    found = platform.client("rds").describe_db_clusters(DBClusterIdentifier=name)
    cluster: Mapping[str, Any] = found["DBClusters"][0]
    return cluster


def _await_restorable(platform: Platform, moment: datetime) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _restorable(platform)["LatestRestorableTime"] < moment:
        assert time.monotonic() < deadline, "the archive stands still"
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
