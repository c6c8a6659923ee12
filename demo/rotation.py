"""The chapter of the credentials: all seven change hands while clients log in all the time."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import psycopg2
import redis

from demo import tables
from demo.platform import CannotPlay
from demo.progress import step

if TYPE_CHECKING:
    from rich.console import Console

    from demo.platform import Platform

OUTPUTS: Final = {
    "master": "MasterSecretArn",
    "app": "DBSecretArn",
    "analytics": "AnalyticsSecretArn",
    "privacy": "PrivacySecretArn",
    "recovery": "RecoverySecretArn",
    "redis/app": "RedisAppSecretArn",
    "redis/ops": "RedisOpsSecretArn",
}
SINGLE: Final = ("master", "app")
"""Their clients try AWSPENDING when they are refused, as ours do; the others know no rotation."""

CACHE_S: Final = 1.0
PAUSE_S: Final = 0.1
WAIT_S: Final = 60.0


@dataclass
class Client:
    """Logs in as one login, over and over, with a secret that it keeps for a second."""

    platform: Platform
    login: str
    logins: int = 0
    refused: int = 0
    rotated_s: float = 0.0
    trouble: str = ""
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        vault, read_at, secret = self.platform.client("secretsmanager"), 0.0, {}
        arn = self.platform.outputs[OUTPUTS[self.login]]
        try:
            while not self.done.wait(PAUSE_S):
                if time.monotonic() - read_at > CACHE_S:
                    secret, read_at = _read(vault, arn, "AWSCURRENT"), time.monotonic()
                self.logins += 1
                if not self._accepted(secret) and not self._second_try(vault, arn):
                    self.refused += 1
        except Exception as error:  # noqa: BLE001  shown in the table; the chapter then fails
            self.trouble = type(error).__name__

    def _second_try(self, vault: Any, arn: str) -> bool:
        """A single login that changes hands: read again, then the candidate."""
        if self.login not in SINGLE:
            return False
        for stage in ("AWSCURRENT", "AWSPENDING"):
            try:
                if self._accepted(_read(vault, arn, stage)):
                    return True
            except vault.exceptions.ResourceNotFoundException:
                continue
        return False

    def _accepted(self, secret: dict[str, str]) -> bool:
        if self.login.startswith("redis/"):
            return self._accepted_by_redis(secret)
        try:
            psycopg2.connect(
                host=self.platform.outputs["AuroraClusterEndpoint"],
                port=self.platform.outputs["AuroraPort"],
                dbname="streamflix",
                user=secret["username"],
                password=secret["password"],
                sslmode="verify-full",
                sslrootcert=self.platform.ca,
                connect_timeout=10,
            ).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
            return False
        return True

    def _accepted_by_redis(self, secret: dict[str, str]) -> bool:
        client = redis.Redis(
            host=self.platform.outputs["RedisEndpoint"],
            port=int(self.platform.outputs["RedisPort"]),
            username=secret["username"],
            password=secret["password"],
            ssl=True,
            ssl_ca_certs=self.platform.ca,
            protocol=2,
            socket_timeout=10,
        )
        try:
            client.ping()
        except redis.exceptions.AuthenticationError:
            return False
        finally:
            client.close()
        return True


def play(platform: Platform, console: Console) -> bool:
    """Rotate every secret, show the table; whether nobody was refused. Raises: `CannotPlay`."""
    clients = [Client(platform, login) for login in OUTPUTS]
    threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    vault = platform.client("secretsmanager")
    try:
        with step(console, "rotating", len(clients)) as progress:
            for number, client in enumerate(clients, start=1):
                arn = platform.outputs[OUTPUTS[client.login]]
                client.rotated_s = rotate(vault, arn, client.login)
                progress(number)
        time.sleep(CACHE_S + PAUSE_S)  # whoever holds the old one still tries it
    finally:
        for client in clients:
            client.done.set()
        for thread in threads:
            thread.join(30)
    _show(console, clients)
    return not any(client.refused or client.trouble for client in clients)


def rotate(vault: Any, arn: str, login: str) -> float:
    """Returns how many seconds the real rotation took. Raises: `CannotPlay` when it did not end."""
    began = time.monotonic()
    token = vault.rotate_secret(SecretId=arn)["VersionId"]
    while time.monotonic() - began < WAIT_S:
        labels = vault.describe_secret(SecretId=arn)["VersionIdsToStages"].get(token, [])
        if labels == ["AWSCURRENT"]:
            return time.monotonic() - began
        time.sleep(0.05)
    raise CannotPlay(f"the rotation of {login} did not end: make rotation-status tells more")


def _read(vault: Any, arn: str, stage: str) -> dict[str, str]:
    answer = vault.get_secret_value(SecretId=arn, VersionStage=stage)
    found: dict[str, str] = json.loads(answer["SecretString"])
    return found


def _show(console: Console, clients: list[Client]) -> None:
    title = "Every credential rotated while a client of each logged in"
    table = tables.figures(title, "login", "rotated in", "logins", "refused")
    for client in clients:
        bad = client.refused or client.trouble
        refused = client.trouble or str(client.refused)
        row = (client.login, f"{client.rotated_s:.1f} s", f"{client.logins:,}", refused)
        table.add_row(*row, style="bold red" if bad else None)
    console.print(table)
