"""The deployed platform as its clients see it: outputs, address book, secrets, endpoints."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import boto3
import psycopg2
from botocore.config import Config
from redis.cluster import RedisCluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
REQUIRED: Final = ("EnvironmentSuffix", "KinesisStreamName", "RejectsQueueUrl", "DBSecretArn",
                   "RedisEndpoint", "RedisPort")  # fmt: skip


class CannotPlay(Exception):
    """The demo cannot start here; the message says what is missing and what to run."""


@dataclass(frozen=True)
class Platform:
    outputs: Mapping[str, str]
    ca: str

    @classmethod
    def open(cls, outputs: Path, env: Mapping[str, str] = os.environ) -> Platform:
        """The platform that a deploy described in `outputs`; only ever one on this machine.

        The demo fills tables with accounts and puts broken events into the stream: no cloud but the
        laptop's may be reached, whatever the shell is configured for.
        """
        endpoint = urlsplit(env.get("AWS_ENDPOINT_URL", "")).hostname
        if endpoint not in LOOPBACK or env.get("AWS_ACCESS_KEY_ID") != "test":
            raise CannotPlay("this shell does not point to the laptop cloud: run make demo")
        if not outputs.exists():
            raise CannotPlay(f"{outputs} does not exist: run make demo, which deploys first")
        found: dict[str, str] = json.loads(outputs.read_text())
        if missing := [name for name in REQUIRED if name not in found]:
            raise CannotPlay(f"{outputs} lacks {', '.join(missing)}: deploy again with make deploy")
        if not Path(env.get("STREAMFLIX_CA", "")).is_file():
            raise CannotPlay("STREAMFLIX_CA names no file: source .local/env")
        return cls(found, env["STREAMFLIX_CA"])

    @property
    def suffix(self) -> str:
        return self.outputs["EnvironmentSuffix"]

    @property
    def stream(self) -> str:
        return self.outputs["KinesisStreamName"]

    @property
    def rejects(self) -> str:
        return self.outputs["RejectsQueueUrl"]

    def client(self, service: str) -> Any:
        config = Config(retries={"mode": "standard", "total_max_attempts": 3}, read_timeout=60)
        return boto3.client(service, config=config)  # type: ignore[call-overload,unused-ignore]

    @contextmanager
    def postgres(self, login: str) -> Iterator[Any]:
        """A connection to the writer as `login`; commits when the block ends well."""
        connection = psycopg2.connect(
            **self.login(login), connect_timeout=10, application_name="demo"
        )
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def login(self, login: str, role: str = "writer") -> dict[str, Any]:
        """What psycopg2 needs to know: `login` at the book's address of the writer or reader."""
        secret = self._secret(self.secret_arns[login])
        host, _, port = self._parameter(f"aurora/{role}").rpartition(":")
        return {
            "host": host,
            "port": int(port),
            "dbname": secret["dbname"],
            "user": secret["username"],
            "password": secret["password"],
            "sslmode": "verify-full",
            "sslrootcert": self.ca,
        }

    def redis(self, patience_s: float = 10) -> RedisCluster:
        """Every shard of the cache, as login `ops`; no answer takes longer than `patience_s`."""
        secret = self._secret(self.secret_arns["redis/ops"])
        return RedisCluster(
            host=self.outputs["RedisEndpoint"],
            port=int(self.outputs["RedisPort"]),
            username=secret["username"],
            password=secret["password"],
            ssl=True,
            ssl_ca_certs=self.ca,
            ssl_check_hostname=True,
            protocol=2,
            socket_timeout=patience_s,
            socket_connect_timeout=patience_s,
        )

    @cached_property
    def secret_arns(self) -> Mapping[str, str]:
        logins = ("analytics", "redis/ops")
        others = {login: self._parameter(f"secret-arn/{login}") for login in logins}
        own = {"app": self.outputs["DBSecretArn"], "master": self.outputs["MasterSecretArn"]}
        return {**own, **others}

    def _parameter(self, name: str) -> str:
        answer = self.client("ssm").get_parameter(Name=f"/streamflix/{self.suffix}/{name}")
        return str(answer["Parameter"]["Value"])

    def _secret(self, arn: str) -> dict[str, str]:
        answer = self.client("secretsmanager").get_secret_value(SecretId=arn)
        secret: dict[str, str] = json.loads(answer["SecretString"])
        return secret
