"""The databases of the laptop cloud as a client sees them, and the processes behind them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry

from tests.eventually import eventually
from tests.ports import free_range

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".local/venvs/cloud/bin/python"


@dataclass(frozen=True)
class Databases:
    """What `local.servers` told, and its process."""

    home: Path
    process: subprocess.Popen[str]
    told: dict[str, Any]

    @property
    def ca(self) -> str:
        return str(self.told["ca"])

    def connect(self, endpoint: str = "writer", **changes: Any) -> psycopg2.extensions.connection:
        """A connection of the master, in autocommit mode; `changes` go to psycopg2."""
        host, port = self.told["postgres"][endpoint].split(":")
        master = self.told["postgres"]["master"]
        wanted = {
            "host": host,
            "port": port,
            "dbname": self.told["postgres"]["database"],
            "user": master["username"],
            "password": master["password"],
            "sslmode": "verify-full",
            "sslrootcert": self.ca,
            "connect_timeout": 10,
        }
        connection = psycopg2.connect(**wanted | changes)
        connection.autocommit = True
        return connection

    def ask(self, statement: str, *parameters: Any, endpoint: str = "writer") -> list[Any]:
        """Run one statement on a connection of its own."""
        with contextlib.closing(self.connect(endpoint)) as connection:
            cursor = connection.cursor()
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def refusal(self, endpoint: str = "writer", **changes: Any) -> str:
        """Why a connection with these changes does not come about."""
        try:
            self.connect(endpoint, **changes).close()
        except psycopg2.OperationalError as error:
            return str(error)
        return "none: it came about"

    def redis(self, login: str = "ops", **changes: Any) -> RedisCluster:
        redis = self.told["redis"]
        wanted = {
            "host": redis["host"],
            "port": redis["port"],
            "username": redis[login]["username"],
            "password": redis[login]["password"],
            "ssl": True,
            "ssl_ca_certs": self.ca,
        }
        return RedisCluster(**wanted | changes)

    def redis_node(self, **changes: Any) -> Redis:
        """A client of one node, which knows nothing of clusters and tries once."""
        redis = self.told["redis"]
        wanted = {
            "host": redis["host"],
            "port": redis["port"],
            "username": redis["ops"]["username"],
            "password": redis["ops"]["password"],
            "ssl": True,
            "ssl_ca_certs": self.ca,
            "retry": Retry(NoBackoff(), 0),
            "socket_timeout": 10,
        }
        return Redis(**wanted | changes)

    def recorded(self) -> dict[str, int]:
        """The pid of each process that the supervisor knows, by name."""
        content = json.loads((self.home / "processes.json").read_text())
        return {name: entry["pid"] for name, entry in content.items()}

    def kill(self, name: str) -> None:
        """What happens to a server when its host dies."""
        os.kill(self.recorded()[name], signal.SIGKILL)


def running(pid: int) -> bool:
    """Whether the process lives; one that only waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def freeze(server: int) -> list[int]:
    """What happens when a host hangs: the server stops with all that it has started. Their pids."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    family = [server, *map(int, children)]
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    return family


def start(home: Path, port_base: int) -> Databases:
    process = subprocess.Popen(
        [PYTHON, "-m", "local.servers", "--home", home, "--port-base", str(port_base)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.communicate()[1])
    return Databases(home, process, json.loads(line))


def end(databases: Databases) -> str:
    """Let its standard input end, wait, and return what it complained about."""
    return databases.process.communicate(timeout=30)[1]


@contextlib.contextmanager
def started(home: Path) -> Iterator[Databases]:
    databases = start(home, free_range(50))
    pids = databases.recorded().values()
    try:
        yield databases
    finally:
        end(databases)
    eventually(lambda: [pid for pid in pids if running(pid)], 15, lambda left: not left)
