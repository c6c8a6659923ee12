"""A deployed platform, known only by its flat outputs. The same tests run against both clouds."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psycopg2
import pytest
from redis.cluster import RedisCluster

from tests.e2e.chaos_mode import Chaos
from tests.e2e.restore import Restore
from tests.e2e.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What breaks the deployment runs after what needs it whole; what takes it away, last."""
    order = {"after_all": 1, "destructive": 2, "destroying": 3}
    items.sort(key=lambda item: max([order.get(m.name, 0) for m in item.iter_markers()] or [0]))


@pytest.fixture(scope="session")
def outputs() -> dict[str, str]:
    path = Path(os.environ.get("STREAMFLIX_OUTPUTS", ROOT / "cfn-outputs/flat-outputs.json"))
    assert path.exists(), f"{path} is missing: deploy first (make deploy), then run the tests"
    found: dict[str, str] = json.loads(path.read_text())
    return found


@dataclass(frozen=True)
class Aws:
    """boto3 clients of the deployment's region; endpoint and credentials come from outside."""

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name="eu-central-1")

    def secret(self, arn: str) -> dict[str, str]:
        answer = self.client("secretsmanager").get_secret_value(SecretId=arn)
        found: dict[str, str] = json.loads(answer["SecretString"])
        return found


@pytest.fixture(scope="session")
def aws() -> Aws:
    return Aws()


@pytest.fixture(scope="session")
def ca() -> str:
    return os.environ.get("STREAMFLIX_CA", str(ROOT / "layers/core/python/streamflix/ca.pem"))


@pytest.fixture(scope="session")
def connect(outputs: dict[str, str], aws: Aws, ca: str) -> Any:
    """`connect(login, role="writer")`: a new session of one of the logins, autocommit."""

    def open_session(secret: str, endpoint: str = "AuroraClusterEndpoint") -> Any:
        login = aws.secret(outputs[secret])
        connection = psycopg2.connect(
            host=outputs[endpoint],
            port=outputs["AuroraPort"],
            dbname="streamflix",
            user=login["username"],
            password=login["password"],
            sslmode="verify-full",
            sslrootcert=ca,
            connect_timeout=5,
        )
        connection.autocommit = True
        return connection

    return open_session


@pytest.fixture
def redis(outputs: dict[str, str], aws: Aws, ca: str) -> Iterator[Any]:
    login = aws.secret(outputs["RedisOpsSecretArn"])
    client = RedisCluster(
        host=outputs["RedisEndpoint"],
        port=int(outputs["RedisPort"]),
        username=login["username"],
        password=login["password"],
        ssl=True,
        ssl_ca_certs=ca,
    )
    yield client
    client.close()


@pytest.fixture
def stage(outputs: dict[str, str], aws: Aws, connect: Any) -> Iterator[Stage]:
    """A title and an account of this test's own, and the stream that leads to their rows."""
    reader, app = connect("AnalyticsSecretArn"), connect("DBSecretArn")
    yield Stage.set_up(outputs, aws.client("kinesis"), aws.client("sqs"), reader, app)
    reader.close()
    app.close()


@pytest.fixture
def chaos(aws: Aws, outputs: dict[str, str]) -> Chaos:
    return Chaos(aws.client("lambda"), outputs["AnalyticsFunctionName"])


@pytest.fixture
def restore(aws: Aws, outputs: dict[str, str]) -> Restore:
    return Restore(
        aws.client("lambda"),
        outputs["AnalyticsEventSourceMappingId"],
        f"streamflix-analytics-replay-{outputs['EnvironmentSuffix']}",
    )
