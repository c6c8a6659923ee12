"""The deployed function's surroundings, as far as it reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from schema import migrations

EVENTS = Path(__file__).parents[3] / "events" / "schema"
DIGEST = migrations.digest(migrations.load())
SECRET = "Hush-Hush-4711"
TWIN = "recovery_clone"
BOOK = "/streamflix/test/aurora/"


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, operation)


class Cloud:
    """Secrets Manager and Parameter Store with a memory of their own, and the database's name."""

    def __init__(self, writer: str, database: str, secrets: dict[str, dict[str, str]]) -> None:
        self.database = database
        self.book = {"writer": writer, "reader": writer}
        self.secrets = secrets
        self.tags: dict[str, str] = {}
        self.refuses: set[str] = set()

    def client(self, service: str) -> Any:
        assert service in {"ssm", "secretsmanager"}
        return self

    def get_parameters(self, *, Names: list[str]) -> dict[str, Any]:  # noqa: N803
        self._judge("GetParameters")
        found = [name for name in Names if name.removeprefix(BOOK) in self.book]
        entries = [{"Name": name, "Value": self.book[name.removeprefix(BOOK)]} for name in found]
        return {"Parameters": entries}

    def put_parameter(self, *, Name: str, Value: str, Overwrite: bool, **more: Any) -> None:  # noqa: N803
        self._judge("PutParameter")
        entry = Name.removeprefix(BOOK)
        if entry in self.book and not Overwrite:
            raise refusal("ParameterAlreadyExists", "PutParameter")
        self.book[entry] = Value
        self.tags = {tag["Key"]: tag["Value"] for tag in more["Tags"]}

    def delete_parameter(self, *, Name: str) -> None:  # noqa: N803
        self._judge("DeleteParameter")
        if self.book.pop(Name.removeprefix(BOOK), None) is None:
            raise refusal("ParameterNotFound", "DeleteParameter")

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, str]:  # noqa: N803
        assert VersionStage in {"AWSCURRENT", "AWSPENDING"}
        return {"SecretString": json.dumps(self.secrets[SecretId])}

    def _judge(self, operation: str) -> None:
        if operation in self.refuses:
            raise refusal("AccessDeniedException", operation)
