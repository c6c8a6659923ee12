"""The consumer as Lambda runs it: its real handler, with real databases and AWS in memory."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from analytics import consume
from streamflix import aws, settings
from tests.integration.analytics.invocation import Context
from tests.integration.analytics.keeping import run, tables
from tests.integration.analytics.restored import call, copy, kinesis, lost, source
from tests.integration.analytics.screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from analytics.ingest import Doors
    from tests.integration.conftest import Database, Login, Servers
    from tests.playback import Event

__all__ = [
    "call",
    "copy",
    "kinesis",
    "lost",
    "run",
    "screen",
    "source",
    "tables",
]  # fixtures of some tests

BOOK = "/streamflix/test/aurora"
SOON = 0.5
"""Seconds after which a test mends what it broke."""


class Cloud:
    """Parameters, secrets and the rejects queue, as they can be changed while a test runs."""

    def __init__(self) -> None:
        self._ssm: Any = boto3.client("ssm")
        self._secrets: Any = boto3.client("secretsmanager")
        self._sqs: Any = boto3.client("sqs")
        self.queue: str = self._sqs.create_queue(QueueName="rejects")["QueueUrl"]

    def note(self, name: str, value: str) -> None:
        """Write an entry of the address book."""
        self._ssm.put_parameter(Name=f"{BOOK}/{name}", Value=value, Type="String", Overwrite=True)

    def create_secret(self, name: str, login: Login) -> str:
        arn: str = self._secrets.create_secret(Name=name, SecretString=_json(login))["ARN"]
        return arn

    def promote(self, arn: str, login: Login) -> None:
        self._secrets.put_secret_value(SecretId=arn, SecretString=_json(login))

    def propose(self, arn: str, login: Login) -> None:
        """Store a login as AWSPENDING, as the first step of a rotation does."""
        self._secrets.put_secret_value(
            SecretId=arn, SecretString=_json(login), VersionStages=["AWSPENDING"]
        )

    def remove_queue(self) -> None:
        self._sqs.delete_queue(QueueUrl=self.queue)

    def restore_queue(self) -> None:
        self._sqs.create_queue(QueueName="rejects")

    def pointers(self) -> list[tuple[str, int | None, str]]:
        """Every pointer in the queue: sequence, subsequence, reason. Empties it."""
        found = []
        while messages := self._sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10
        ).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                found += [
                    (pointer["sequence"], pointer["subsequence"], pointer["reason"])
                    for pointer in body["pointers"]
                ]
                self._sqs.delete_message(
                    QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"]
                )
        return sorted(found, key=str)


def _json(login: Login) -> str:
    return json.dumps(
        {
            "engine": "postgres",
            "username": login.username,
            "password": login.password,
            "dbname": "streamflix",
        }
    )


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    aws.client.cache_clear()
    with mock_aws():
        yield Cloud()
    aws.client.cache_clear()


@dataclass
class Consumer:
    """Runs the handler, each process's worth of it, and keeps the numbers that it published."""

    servers: Servers
    capsys: pytest.CaptureFixture[str]
    processes: list[Doors] = field(default_factory=list)

    def __call__(self, event: Event, seconds: float = 20) -> dict[str, Any]:
        """One invocation; returns its metrics."""
        self.capsys.readouterr()
        consume.handler(event, Context(int(seconds * 1000)))
        return self.metrics()

    def metrics(self) -> dict[str, Any]:
        lines = self.capsys.readouterr().out.splitlines()
        published = [json.loads(line) for line in lines if '"_aws"' in line]
        assert len(published) == 1, lines
        return {
            name: value
            for name, value in published[0].items()
            if name not in {"_aws", "Environment"}
        }

    def restart(self) -> None:
        """The next invocation runs in a new process, as far as connections and caches go."""
        settings.cached.cache_clear()
        consume.doors.cache_clear()


@pytest.fixture
def consumer(
    servers: Servers,
    database: Database,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Consumer]:
    empty(database)
    cloud.note("writer", servers.postgres.writer)
    cloud.note("reader", servers.postgres.reader)
    cloud.note("epoch", "1")
    consumer = Consumer(servers, capsys)
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("ADDRESS_BOOK", BOOK)
    monkeypatch.setenv(
        "DATABASE_SECRET_ARN", cloud.create_secret("aurora", database.login("analytics"))
    )
    monkeypatch.setenv("REDIS_SECRET_ARN", cloud.create_secret("redis", servers.redis.ops))
    monkeypatch.setenv("REDIS_HOST", servers.redis.host)
    monkeypatch.setenv("REDIS_PORT", str(servers.redis.port))
    monkeypatch.setenv("REJECTS_QUEUE_URL", cloud.queue)
    real = consume.doors.__wrapped__

    @cache
    def doors(env: Any) -> Doors:
        made: Doors = real(env, ca_file=servers.ca)
        consumer.processes.append(made)
        return made

    monkeypatch.setattr(consume, "doors", doors)
    settings.cached.cache_clear()
    yield consumer
    settings.cached.cache_clear()
    for process in consumer.processes:
        close(process)


def close(doors: Doors) -> None:
    doors.store._postgres.close()
    viewers: Any = doors.viewers
    viewers._redis.close()


def empty(database: Database) -> None:
    database.do(
        "analytics_owner",
        "TRUNCATE analytics.title_minute, analytics.title_delta_0, analytics.title_delta_1,"
        " analytics.title_delta_2, analytics.title_hour, analytics.shard_watermark,"
        " analytics.attempt",
    )
    database.do("app_owner", "TRUNCATE app.account CASCADE")


@dataclass(frozen=True)
class Table:
    """What the consumer has written."""

    database: Database

    def rows(self) -> dict[tuple[str, str, str, str], tuple[int, ...]]:
        rows = self.database.rows(
            "analytics_rw",
            """SELECT to_char(minute AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI'), title_id,
                      country, device, plays, watched_s, rebuffer_ms, errors
                 FROM analytics.title_counted()""",
        )
        return {row[:4]: row[4:] for row in rows}

    def watermarks(self) -> dict[str, int]:
        rows = self.database.rows(
            "analytics_rw", "SELECT shard, sequence FROM analytics.shard_watermark"
        )
        return {shard: int(sequence) for shard, sequence in rows}

    def attempts(self) -> list[int]:
        rows = self.database.rows("analytics_rw", "SELECT begun FROM analytics.attempt")
        return [begun for (begun,) in rows]

    def history(self) -> list[tuple[Any, ...]]:
        return self.database.rows(
            "app_rw",
            """SELECT profile_id::text, session_id::text, title_id, position_s, watched_s, device
                 FROM app.watch_history ORDER BY 1, 2""",
        )

    def everything(self) -> list[Any]:
        """All that a replay must not change, the moment of the last change included."""
        marks = self.database.rows("analytics_rw", "SELECT * FROM analytics.shard_watermark")
        marks = [(*mark[:3], bytes(mark[3]), mark[4]) for mark in marks]
        return [self.rows(), sorted(marks), self.history(), self.attempts()]

    def add_profile(self, profile_id: str, account_id: str) -> None:
        with self.database.master("app_rw") as cursor:
            cursor.execute(
                "INSERT INTO app.account (account_id, email, country) VALUES (%s, %s, 'DE')"
                " ON CONFLICT DO NOTHING",
                (account_id, f"{account_id}@example.org"),
            )
            cursor.execute(
                "INSERT INTO app.profile (profile_id, account_id, name) VALUES (%s, %s, 'p')",
                (profile_id, account_id),
            )


@pytest.fixture
def table(database: Database, consumer: Consumer) -> Table:
    return Table(database)


@contextmanager
def meanwhile(act: Callable[[], Any], after: float = SOON) -> Iterator[None]:
    timer = threading.Timer(after, act)
    timer.start()
    try:
        yield
    finally:
        timer.join()
