"""Rotation against real PostgreSQL, real Valkey and the laptop's Secrets Manager and ElastiCache.

The steps run in this process, as Secrets Manager would ask for them.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from rotation import steps, sweeper
from rotation.settings import Settings
from rotation.ticket import STEPS, Ticket
from schema import logins, migrations
from streamflix import aws
from streamflix.deadline import Deadline
from tests import tables
from tests.integration.local.laptop import (
    GROUP,
    MASTER_PASSWORD,
    OPS_PASSWORD,
    Laptop,
    launched,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOMS = ("app", "analytics", "privacy", "recovery")
EXTRA = ', "note" : "kept \\u00e9",  "weight":1.50}'
SECONDS = 60.0


@dataclass
class Rig:
    """A small platform, and Secrets Manager's part played by hand."""

    laptop: Laptop
    env: Settings
    host: str
    port: int
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def vault(self) -> Any:
        return self.laptop.client("secretsmanager")

    @property
    def ca(self) -> Path:
        return Path(self.laptop.ca)

    def begin(self, login: str, token: str = "") -> str:
        """An empty version that is labelled AWSPENDING, as RotateSecret makes it."""
        token = token or str(uuid.uuid4())
        arn = self.env.secret_arns[login]
        self.vault.put_secret_value(
            SecretId=arn, ClientRequestToken=token, VersionStages=["AWSPENDING"]
        )
        return token

    def step(self, login: str, token: str, step: str, **changes: Any) -> None:
        env = self.env if not changes else _changed(self.env, **changes)
        ticket = Ticket(self.env.secret_arns[login], token, step)
        steps.run(ticket, env, self.deadline(), self.ca)

    def address(self, prefix: str, address: str) -> None:
        """An address book of a test's own."""
        book = self.laptop.client("ssm")
        for name, value in (("writer", address), ("reader", address), ("epoch", "1")):
            book.put_parameter(Name=f"{prefix}/{name}", Value=value, Type="String", Overwrite=True)

    def clear_label(self, login: str, token: str) -> None:
        self.vault.update_secret_version_stage(
            SecretId=self.env.secret_arns[login],
            VersionStage="AWSPENDING",
            RemoveFromVersionId=token,
        )

    def release_hold(self) -> None:
        """What its lease would do in a minute."""
        table = self.laptop.client("dynamodb")
        table.delete_item(TableName="hold", Key={"hold": {"S": "environment"}})

    def rotate(self, login: str, token: str = "", **changes: Any) -> str:
        token = token or self.begin(login)
        for step in STEPS:
            self.step(login, token, step, **changes)
        return token

    def deadline(self, seconds: float = SECONDS) -> Deadline:
        import time

        return Deadline(time.monotonic() + seconds, seconds)

    def work(self, login: str, **changes: Any) -> steps.Work:
        env = _changed(self.env, **changes)
        return steps.Work.on(login, env, self.deadline(), self.ca)

    def sweep(
        self,
        login: str,
        *,
        repair: bool = True,
        stuck_after_seconds: float | None = None,
        **changes: Any,
    ) -> sweeper.Report:
        work = self.work(login, **changes)
        return sweeper.examine(work, repair=repair, stuck_after_seconds=stuck_after_seconds)

    def stages(self, login: str) -> dict[str, str]:
        """Label to version id."""
        found = self.vault.describe_secret(SecretId=self.env.secret_arns[login])
        return {s: v for v, stages in found["VersionIdsToStages"].items() for s in stages}

    def value(self, login: str, **which: str) -> dict[str, Any]:
        text = self.text(login, **which)
        return dict(json.loads(text))

    def text(self, login: str, **which: str) -> str:
        arn = self.env.secret_arns[login]
        return str(self.vault.get_secret_value(SecretId=arn, **which)["SecretString"])

    def connect(self, username: str, password: str) -> Any:
        return psycopg2.connect(
            host=self.host,
            port=self.port,
            dbname="streamflix",
            user=username,
            password=password,
            sslmode="verify-full",
            sslrootcert=str(self.ca),
            connect_timeout=5,
        )

    def accepts(self, login: str, **which: str) -> bool:
        value = self.value(login, **which)
        try:
            self.connect(value["username"], value["password"]).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
            return False
        return True

    def as_master(self, statement: str) -> list[Any]:
        value = self.value("master")
        connection = self.connect(value["username"], value["password"])
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = list(cursor.fetchall()) if cursor.description else []
        connection.close()
        return rows


def _changed(env: Settings, **changes: Any) -> Settings:
    from dataclasses import replace

    return replace(env, **changes)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with launched(tmp_path_factory.mktemp("rotation")) as laptop:
        outputs = laptop.deploy()
        sealed = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{laptop.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }
        before = dict(os.environ)
        os.environ.update(sealed)
        aws.client.cache_clear()
        try:
            yield _furnish(laptop, outputs)
        finally:
            os.environ.clear()
            os.environ.update(before)
            aws.client.cache_clear()


def _furnish(laptop: Laptop, outputs: dict[str, str]) -> Rig:
    tables.create(laptop.client("dynamodb"), "hold", "hold")
    words = {"master": MASTER_PASSWORD, "redis/ops": OPS_PASSWORD}
    vault, arns = laptop.client("secretsmanager"), {}
    for login in ("master", *ROOMS, "redis/ops"):
        user = login.removeprefix("redis/")
        word = words.get(login, f"first4{user}")
        text = json.dumps({"username": user, "password": word})[:-1] + EXTRA
        arns[login] = vault.create_secret(Name=f"rotation/{login}", SecretString=text)["ARN"]
    env = Settings(
        environment="test",
        address_book="/rotation/aurora",
        secret_arns=arns,
        app_login="password",
        redis_host=outputs["RedisHost"],
        redis_port=int(outputs["RedisPort"]),
        redis_group_id=GROUP,
        redis_user_ids={"redis/ops": "ops-hooks"},
        hold_table="hold",
        ops_bus="default",
        min_interval_seconds=0,
        retire_after_seconds=0,
        adopted_secrets=("none",),
    )
    rig = Rig(laptop, env, outputs["Writer"], int(outputs["Port"]))
    rig.address("/rotation/aurora", f"{rig.host}:{rig.port}")
    connection = rig.connect("master", MASTER_PASSWORD)
    migrations.apply(connection, migrations.load())
    firsts = {room: logins.SecretLogin(room, f"first4{room}") for room in ROOMS}
    logins.ensure(connection, firsts)
    connection.close()
    return rig


@pytest.fixture
def rig(platform: Rig) -> Iterator[Rig]:
    """The platform with nothing pending: a test that failed leaves its labels to nobody."""
    yield platform
    for login in platform.env.secret_arns:
        pending = platform.stages(login).get("AWSPENDING")
        if pending:
            platform.clear_label(login, pending)
