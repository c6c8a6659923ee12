"""Real PostgreSQL and Valkey for a session of tests, without a cloud around them."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from schema import logins, migrations
from tests.ports import free_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from redis.cluster import RedisCluster

ROOT = Path(__file__).parents[2]
CLOUD_PYTHON = ROOT / ".local/venvs/cloud/bin/python"
PORTS = 50
PASSWORDS = {"app": "app-1", "analytics": "analytics-1", "privacy": "privacy-1"}


@dataclass(frozen=True)
class Login:
    username: str
    password: str


@dataclass(frozen=True)
class Postgres:
    """Addresses are ``host:port``; `master` is what RDS gives, no superuser."""

    writer: str
    reader: str
    database: str
    master: Login


@dataclass(frozen=True)
class Redis:
    """A cluster of three primaries, reached through any of them."""

    host: str
    port: int
    ops: Login
    app: Login


@dataclass(frozen=True)
class Servers:
    ca: Path
    postgres: Postgres
    redis: Redis

    @classmethod
    def parse(cls, line: str) -> Servers:
        told = json.loads(line)
        postgres, redis = told["postgres"], told["redis"]
        return cls(
            Path(told["ca"]),
            Postgres(**{**postgres, "master": Login(**postgres["master"])}),
            Redis(**{**redis, "ops": Login(**redis["ops"]), "app": Login(**redis["app"])}),
        )


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with serving(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@contextmanager
def serving(home: Path, readers: int = 2) -> Iterator[Servers]:
    """Servers that live here until the block ends."""
    command = [str(CLOUD_PYTHON), "-m", "local.servers", "--home", str(home)]
    command += ["--port-base", str(free_range(PORTS))]
    command += ["--readers", str(readers)]
    with (home / "stderr").open("wb") as complaints:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        )
    assert process.stdin
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line, f"the servers did not start: {(home / 'stderr').read_text()}"
        yield Servers.parse(line.decode())
    finally:
        process.stdin.close()  # they end when their standard input does
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        process.stdout.close()


@dataclass(frozen=True)
class Database:
    """The migrated database `streamflix`, with eyes and hands that the rooms do not have."""

    servers: Servers

    def login(self, name: str) -> Login:
        return Login(name, PASSWORDS[name])

    @contextmanager
    def connection(self, login: Login | None = None, at: str = "") -> Iterator[Any]:
        """To the writer unless an address is given; master's when no other login is named."""
        login = login or self.servers.postgres.master
        host, _, port = (at or self.servers.postgres.writer).rpartition(":")
        connection = psycopg2.connect(
            host=host,
            port=port,
            dbname=self.servers.postgres.database,
            user=login.username,
            password=login.password,
            sslmode="verify-full",
            sslrootcert=str(self.servers.ca),
        )
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def master(self, role: str = "") -> Iterator[Any]:
        """A cursor of master's in a transaction, as `role` when given."""
        with self.connection() as connection, connection, connection.cursor() as cursor:
            if role:
                cursor.execute(f"SET LOCAL ROLE {role}")
            yield cursor

    def do(self, role: str, statement: str, values: Sequence[Any] = ()) -> None:
        with self.master(role) as cursor:
            cursor.execute(statement, values)

    def rows(self, role: str, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.master(role) as cursor:
            cursor.execute(query, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows


@pytest.fixture(scope="session")
def database(servers: Servers) -> Database:
    database = Database(servers)
    with database.connection() as connection:
        migrations.apply(connection, migrations.load())
        logins.ensure(
            connection,
            {name: logins.SecretLogin(name, password) for name, password in PASSWORDS.items()},
        )
    return database


@pytest.fixture(scope="session")
def redis_ops(servers: Servers) -> Iterator[RedisCluster]:
    """The cluster as the rooms' login `ops` sees it."""
    from redis.cluster import RedisCluster

    cluster = RedisCluster(
        host=servers.redis.host,
        port=servers.redis.port,
        username=servers.redis.ops.username,
        password=servers.redis.ops.password,
        ssl=True,
        ssl_ca_certs=str(servers.ca),
        protocol=2,
        decode_responses=True,
    )
    yield cluster
    cluster.close()
