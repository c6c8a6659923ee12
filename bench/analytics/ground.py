"""Servers with empty tables, on which everybody who is measured counts the same events."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.analytics import day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis.cluster import RedisCluster

    from tests.integration.conftest import Database

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = ROOT / ".local/venvs/bench/bin/python"
PEERS: Final = ("naive", "powertools", "bytewax", "careful")
COUNTING: Final = ("ours", *PEERS)
WRITERS_READY_S: Final = 6.0
"""Until all of them have read and decoded their batches."""

TABLE: Final = """
CREATE UNLOGGED TABLE IF NOT EXISTS analytics.raw_event (
    event_id uuid, type text, account_id uuid, profile_id uuid, session_id uuid, title_id text,
    device text, country text, position_s int, watched_s int, bitrate_kbps int, rebuffer_ms int,
    ts timestamptz);
GRANT INSERT ON analytics.raw_event TO analytics_rw
"""
EMPTY: Final = """
TRUNCATE analytics.title_minute, analytics.title_delta_0, analytics.title_delta_1,
         analytics.title_delta_2, analytics.shard_watermark, analytics.attempt, analytics.raw_event
"""
ROWS: Final = """
SELECT to_char(minute AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI'), title_id, country::text, device,
       plays, watched_s, rebuffer_ms, errors
  FROM analytics.title_counted()
"""
PEOPLE: Final = """
WITH viewer AS (SELECT n, md5('account ' || n)::uuid AS account,
                       md5('profile ' || n)::uuid AS profile
                  FROM generate_series(0, %s - 1) AS n),
     known AS (INSERT INTO app.account (account_id, email, country)
               SELECT account, 'viewer' || n || '@bench.example', 'DE' FROM viewer)
INSERT INTO app.profile (profile_id, account_id, name) SELECT profile, account, 'p' FROM viewer
"""


@dataclass(frozen=True)
class Load:
    """Invocations as files, and what must come of them."""

    warm: list[str]
    batches: list[str]
    events: int
    digest: str


@dataclass(frozen=True)
class Cost:
    """µs of CPU for an event; medians."""

    python: float
    postgres: float
    """`merge` included."""
    merge: float
    redis: float
    envelope: float
    peak_mb: float

    @property
    def all_in(self) -> float:
        return self.python + self.postgres + self.redis


class Written(NamedTuple):
    seconds: float
    """Of the middle transaction."""
    cores: float
    """At work meanwhile, on the whole machine."""


@dataclass(frozen=True)
class Ground:
    place: dict[str, Any]
    socket: str
    """PostgreSQL's, as libpq takes it for an address: its directory, and the port."""
    database: Database
    cluster: RedisCluster

    def sample(self, variant: str, load: Load) -> dict[str, float]:
        """On empty tables, in a process of its own; refuses figures of who has counted wrongly."""
        self.database.do("analytics_owner", EMPTY)
        for key in self.cluster.scan_iter("live:*"):
            self.cluster.delete(key)
        task = {"variant": variant, "warm": load.warm, "batches": load.batches, "place": self.place}
        done = subprocess.run(
            [str(PYTHON), "-m", "bench.analytics.sample"],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT}:functions:layers/core/python"},
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        if variant in COUNTING:
            assert day.digest(self.database.rows("analytics_owner", ROWS)) == load.digest, variant
        found: dict[str, float] = json.loads(done.stdout)
        return found

    def written(self, shards: Sequence[Sequence[str]], every: float = 0.0) -> Written:
        """What shards took that write at the same time, on empty tables: without a pause, or each a
        batch every so many seconds.

        Over PostgreSQL's own socket: the servers' one TLS endpoint would make them queue.
        """
        self.database.do("analytics_owner", EMPTY)
        place = self.place | {"address": self.socket}
        task = {"begins": time.time() + WRITERS_READY_S, "every": every, "place": place}
        writers = []
        for files in shards:
            with Path(f"{files[0]}.task").open("w+") as given:
                json.dump(task | {"batches": files}, given)
                given.seek(0)
                writers.append(
                    subprocess.Popen(
                        [str(PYTHON), "-m", "bench.analytics.writers"],
                        stdin=given,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE,
                        cwd=ROOT,
                        env=os.environ | {"PYTHONPATH": f"{ROOT}:functions:layers/core/python"},
                        text=True,
                    )
                )
        found = []
        for writer in writers:
            told, complaint = writer.communicate()
            assert writer.returncode == 0, complaint[-2000:]
            found.append(json.loads(told))
        return Written(
            statistics.median(each for one in found for each in one["seconds"]),
            statistics.median(one["cores"] for one in found),
        )


def prepared(database: Database, servers: Any, redis_ops: RedisCluster) -> Ground:
    """Of servers that have a schema and nothing else."""
    database.do("analytics_owner", TABLE)
    database.do("app_owner", PEOPLE, [day.STOPPING])
    database.do("ops_owner", "INSERT INTO ops.epoch (epoch) VALUES (1) ON CONFLICT DO NOTHING")
    login, ops = database.login("analytics"), servers.redis.ops
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [backend] = cursor.fetchone()
        postmaster = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
        cursor.execute("SELECT current_setting('unix_socket_directories'), current_setting('port')")
        socket = ":".join(cursor.fetchone())
    place = {
        "ca": str(servers.ca),
        "address": servers.postgres.writer,
        "database": servers.postgres.database,
        "logins": {
            "analytics": [login.username, login.password],
            "redis": [ops.username, ops.password],
        },
        "redis_host": servers.redis.host,
        "redis_port": servers.redis.port,
        "postgres_pids": [postmaster],
        "redis_pids": _valkeys(str((servers.ca.parents[1] / "state").resolve())),
    }
    return Ground(place, socket, database, redis_ops)


def _valkeys(home: str) -> list[int]:
    """The servers of this session, by where their sockets are."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if "valkey-server" in words and home in words:
                found.append(int(entry.name))
    assert len(found) == 3, found
    return found
