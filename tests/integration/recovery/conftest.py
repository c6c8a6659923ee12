"""A laptop cloud with a migrated cluster, its secrets, and the table that recovery writes to."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schema import logins, migrations
from streamflix import aws
from tests import tables
from tests.integration.local.laptop import MASTER_PASSWORD, Laptop, launched
from tests.integration.privacy.flow import sealed
from tests.integration.recovery.platform import HOLD, INCIDENTS, LOGINS, Platform
from tests.integration.recovery.takeover import Stage, surround

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with launched(tmp_path_factory.mktemp("recovery")) as running:
        subnets = running.client("ec2").describe_subnets()["Subnets"]
        running.client("rds").create_db_subnet_group(
            DBSubnetGroupName="drill",
            DBSubnetGroupDescription="what a copy is restored into",
            SubnetIds=[each["SubnetId"] for each in subnets],
        )
        running.deploy(
            Cluster={"DBSubnetGroupName": "drill", "VpcSecurityGroupIds": ["sg-in-service"]}
        )
        yield running


@pytest.fixture(scope="session")
def arns(laptop: Laptop) -> dict[str, str]:
    manager, dynamodb = laptop.client("secretsmanager"), laptop.client("dynamodb")
    made = {}
    for login in ("master", *LOGINS):
        password = MASTER_PASSWORD if login == "master" else f"{login}-1"
        value = json.dumps({"username": login, "password": password})
        made[login] = manager.create_secret(Name=f"drill/{login}", SecretString=value)["ARN"]
    for table, keys in ((INCIDENTS, ("kind", "at")), (HOLD, ("hold",))):
        tables.create(dynamodb, table, *keys)
    described = laptop.described()
    with contextlib.closing(laptop.connect(described["Endpoint"], described["Port"])) as master:
        master.autocommit = False
        migrations.apply(master, migrations.load())
        logins.ensure(master, {login: logins.SecretLogin(login, f"{login}-1") for login in LOGINS})
    return made


@pytest.fixture
def platform(
    laptop: Laptop, arns: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Platform]:
    """While it lasts, this process's clients of AWS are pointed at the laptop cloud."""
    for name, value in sealed(laptop).items():
        monkeypatch.setenv(name, value)
    made = aws.client
    made.cache_clear()
    platform = Platform(laptop, arns, Path(laptop.ca))
    yield platform
    for name, run in list(platform.doors().clusters.copies()):
        platform.step(run, "clean")
        assert name not in platform.names()
    made.cache_clear()


@pytest.fixture(scope="session")
def mapping(laptop: Laptop, arns: dict[str, str]) -> str:
    """What stands around the cluster, which only a cutover changes."""
    return surround(laptop, arns)


@pytest.fixture
def stage(platform: Platform, mapping: str) -> Iterator[Stage]:
    """In service before and after, under the stack's names."""
    stage = Stage(platform, mapping)
    platform.beat()
    yield stage
    if stage.doors().restores.unadopted():
        stage.forget(stage.adopt())
