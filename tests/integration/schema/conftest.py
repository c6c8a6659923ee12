"""A database of its own for every test that migrates, on the suite's real PostgreSQL."""

from __future__ import annotations

import itertools
import json
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from psycopg2 import extensions, sql

from schema import logins, master, migrate, migrations
from streamflix import aws, custom_resource
from streamflix.postgres import Postgres
from tests.integration.schema.surroundings import BOOK, DIGEST, EVENTS, SECRET, TWIN, Cloud
from tests.response_bucket import context, open_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.response_bucket import Bucket

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Cluster:
    """The writer, and master's way in."""

    host: str
    port: int
    username: str
    password: str
    ca: Path

    def connect(
        self,
        database: str,
        username: str | None = None,
        password: str | None = None,
        **more: Any,
    ) -> extensions.connection:
        return psycopg2.connect(
            host=self.host,
            port=self.port,
            dbname=database,
            user=username or self.username,
            password=password or self.password,
            sslmode="verify-full",
            sslrootcert=str(self.ca),
            connect_timeout=10,
            **more,
        )

    def accepts(self, database: str, username: str, password: str) -> bool:
        try:
            self.connect(database, username, password).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
            return False
        return True

    @contextmanager
    def master(self, database: str) -> Iterator[extensions.cursor]:
        """A cursor of master's that commits each statement at once."""
        connection = self.connect(database)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()


@pytest.fixture(scope="session")
def cluster(servers: Any) -> Cluster:
    host, _, port = servers.postgres.writer.rpartition(":")
    master = servers.postgres.master
    return Cluster(host, int(port), master.username, master.password, servers.ca)


@pytest.fixture(scope="session")
def new_database(cluster: Cluster) -> Callable[[], Any]:
    @contextmanager
    def make() -> Iterator[str]:
        name = f"schema_{os.getpid()}_{next(_numbers)}"
        with cluster.master("postgres") as cursor:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield name
        finally:
            with cluster.master("postgres") as cursor:
                drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                cursor.execute(drop.format(sql.Identifier(name)))

    return make


@pytest.fixture
def empty(new_database: Callable[[], Any]) -> Iterator[str]:
    """The name of an empty database."""
    with new_database() as name:
        yield name


@pytest.fixture
def connection(cluster: Cluster, empty: str) -> Iterator[extensions.connection]:
    """master's connection to the empty database."""
    connection = cluster.connect(empty)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def migrated(cluster: Cluster, new_database: Callable[[], Any]) -> Iterator[str]:
    """The name of a database at this package's schema, one for all tests of a module."""
    with new_database() as name:
        connection = cluster.connect(name)
        migrations.apply(connection, migrations.load())
        connection.close()
        yield name


@pytest.fixture(scope="module")
def twins(cluster: Cluster, migrated: str) -> Iterator[dict[str, logins.SecretLogin]]:
    """One login of each room, by its twin's name: the first ones belong to other suites."""
    secrets = {
        login: logins.SecretLogin(login + logins.TWIN_SUFFIX, f"Secret4{login}")
        for login in logins.LOGINS
    }
    connection = cluster.connect(migrated)
    assert logins.ensure(connection, secrets) == [secret.username for secret in secrets.values()]
    connection.close()
    yield secrets
    drop_roles(cluster, *(secret.username for secret in secrets.values()))


@pytest.fixture
def bucket(monkeypatch) -> Iterator[Bucket]:
    monkeypatch.setattr(custom_resource, "ATTEMPT_SECONDS", 1.0)
    monkeypatch.setattr(custom_resource, "PAUSE_SECONDS", 0.01)
    with open_bucket() as bucket:
        yield bucket


@pytest.fixture
def cloud(cluster: Cluster, migrated: str, monkeypatch) -> Iterator[Cloud]:
    """The deployed function's surroundings, with a database that was migrated before."""
    cloud = Cloud(
        f"{cluster.host}:{cluster.port}",
        migrated,
        {
            "arn:master": {"username": cluster.username, "password": cluster.password},
            "arn:recovery": {"username": TWIN, "password": SECRET},
        },
    )
    monkeypatch.setattr(aws, "client", cloud.client)
    monkeypatch.setattr(master, "PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(
        master,
        "Postgres",
        lambda *where, **how: Postgres(*where, ca_file=cluster.ca, database=cloud.database, **how),
    )
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("ADDRESS_BOOK", BOOK.rstrip("/"))
    monkeypatch.setenv("MASTER_SECRET_ARN", "arn:master")
    monkeypatch.setenv("LOGIN_SECRET_ARNS", json.dumps({"recovery": "arn:recovery"}))
    monkeypatch.setenv("APP_LOGIN", "password")
    yield cloud
    drop_roles(cluster, TWIN)


@pytest.fixture
def send(bucket: Bucket) -> Callable[..., dict[str, Any]]:
    """Send one of the sample events and return the one answer."""

    def run(
        kind: str, *, seconds: float = 30, sha: str = DIGEST, named: str = "database-schema"
    ) -> dict[str, Any]:
        event = json.loads((EVENTS / f"{kind}.json").read_text())
        event["ResponseURL"] = bucket.url
        if kind != "create":
            event["PhysicalResourceId"] = named
        event["ResourceProperties"]["MigrationsSha256"] = sha
        migrate.handler(event, context(seconds))
        answer = bucket.only()
        unmade = (kind, answer["Status"]) == ("create", "FAILED")
        assert answer["PhysicalResourceId"] == named + ("-unmade" if unmade else "")
        assert [answer[key] for key in ("StackId", "RequestId", "LogicalResourceId")] == [
            event[key] for key in ("StackId", "RequestId", "LogicalResourceId")
        ]
        assert bucket.content_types == [""]
        return answer

    return run


def drop_roles(cluster: Cluster, *names: str) -> None:
    with cluster.master("postgres") as cursor:
        for name in names:
            cursor.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work(0…count-1)` at the same moment; results or exceptions in that order."""
    barrier, results = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            results[number] = work(number)
        except Exception as error:  # noqa: BLE001  the test looks at it
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results
