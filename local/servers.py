"""The databases alone, without a cloud: for integration tests.

``python -m local.servers --home <directory> --port-base <number>`` starts PostgreSQL (a writer, and
two readers or as many as ``--readers`` says) and Valkey (three primaries), says in one line of
JSON where they are and who may log in, and ends everything when its standard input ends, or on
SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from local import postgres, postgres_address, postgres_cluster, valkey_cluster
from local.certificates import Authority
from local.complaint import Complaint
from local.cuts import Cuts
from local.endpoint import Endpoints
from local.instance import make_state, remove_state
from local.supervise import Supervisor
from local.unprivileged import ProgramFailedError

DATABASE = "streamflix"
ACCESS = "on ~* &* +@all -@dangerous"


def start(
    home: Path, port_base: int, readers: int, closing: contextlib.ExitStack
) -> dict[str, Any]:
    """Start everything; what must be ended again is left with `closing`."""
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    state = make_state(home)
    closing.callback(remove_state, home)
    supervisor = Supervisor(home)
    closing.callback(supervisor.end_all)
    supervisor.guard()
    authority = Authority.at(home / "ca")
    endpoints = Endpoints(authority.server_context(), Cuts(home))
    closing.callback(endpoints.close)
    postgres_ground = postgres.Ground.at(state, logs, supervisor, endpoints)
    valkey_ground = valkey_cluster.Ground.at(state, logs, supervisor, endpoints)
    cluster = postgres_cluster.Cluster(postgres_ground, "postgres")
    closing.callback(cluster.delete)
    postgres_address.Address(endpoints, port_base + 1).lead_to(cluster)
    group = valkey_cluster.Cluster(
        valkey_ground,
        "valkey",
        ports=range(port_base + 10, port_base + 13),
        buses=range(port_base + 30, port_base + 33),
    )
    closing.callback(group.delete)
    with ThreadPoolExecutor() as pool:
        aurora = pool.submit(_postgres, cluster, port_base + 1, readers)
        redis = pool.submit(_redis, group)
        return {"ca": str(authority.pem), "postgres": aurora.result(), "redis": redis.result()}


def _postgres(cluster: postgres_cluster.Cluster, port: int, readers: int) -> dict[str, Any]:
    password = secrets.token_urlsafe(16)
    cluster.create("master", password, DATABASE)
    cluster.add("writer")
    with ThreadPoolExecutor() as pool:
        list(pool.map(cluster.add, [f"reader-{number}" for number in range(1, readers + 1)]))
    return {
        "writer": f"{postgres_address.WRITER_ADDRESS}:{port}",
        "reader": f"{postgres_address.READER_ADDRESS}:{port}",
        "database": DATABASE,
        "master": {"username": "master", "password": password},
    }


def _redis(group: valkey_cluster.Cluster) -> dict[str, Any]:
    group.create()
    users = {name: secrets.token_urlsafe(16) for name in ("ops", "app")}
    for name, password in users.items():
        group.set_user(name, ACCESS, [password])
    logins = {name: {"username": name, "password": users[name]} for name in users}
    return {"host": valkey_cluster.ADDRESS, "port": group.ports[0], **logins}


def main() -> None:
    parser = argparse.ArgumentParser(prog="local.servers", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port-base", type=int, required=True)
    parser.add_argument("--readers", type=int, default=2)
    chosen = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        with contextlib.ExitStack() as closing:
            told = start(chosen.home.resolve(), chosen.port_base, chosen.readers, closing)
            print(json.dumps(told), flush=True)  # noqa: T201 - this is how our parent learns it
            sys.stdin.buffer.read()
    except (Complaint, ProgramFailedError) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
