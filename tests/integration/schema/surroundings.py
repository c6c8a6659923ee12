"""The deployed function's surroundings, as far as it reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schema import migrations

EVENTS = Path(__file__).parents[3] / "events" / "schema"
DIGEST = migrations.digest(migrations.load())
SECRET = "Hush-Hush-4711"
TWIN = "recovery_clone"


class Cloud:
    """Secrets Manager and Parameter Store with a memory of their own, and the database's name."""

    def __init__(self, writer: str, database: str, secrets: dict[str, dict[str, str]]) -> None:
        self.database = database
        self.book = {"writer": writer, "reader": writer, "epoch": "1"}
        self.secrets = secrets

    def client(self, service: str) -> Any:
        assert service in {"ssm", "secretsmanager"}
        return self

    def get_parameters(self, *, Names: list[str]) -> dict[str, Any]:  # noqa: N803
        entries = [(name, self.book[name.rpartition("/")[2]]) for name in Names]
        return {"Parameters": [{"Name": name, "Value": value} for name, value in entries]}

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, str]:  # noqa: N803
        assert VersionStage in {"AWSCURRENT", "AWSPENDING"}
        return {"SecretString": json.dumps(self.secrets[SecretId])}
