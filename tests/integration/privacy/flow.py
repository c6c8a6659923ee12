"""Whole erasures, step by step, as the workflow asks for them; with the laptop's AWS."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from privacy import doors as entrance
from privacy import erasure, intake
from privacy.errors import SentBack
from privacy.request import Request
from privacy.settings import Settings
from streamflix.deadline import Deadline
from tests import tables

if TYPE_CHECKING:
    from privacy.erasure import Doors
    from privacy.record import Record
    from tests.integration.conftest import Login, Servers
    from tests.integration.local.laptop import Laptop
    from tests.integration.privacy.conftest import Somebody, Stores

BOOK = "/privacy/aurora"
ORDER = (
    "verify_identity",
    "fence",
    "erase_database",
    "erase_sessions",
    "erase_files",
    "verify",
    "complete",
    "close",
)


def sealed(laptop: Laptop) -> dict[str, str]:
    """The environment in which a process finds this cloud and no other."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{laptop.port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }


def furnish(laptop: Laptop, servers: Servers, privacy: Login, ops: Login) -> Settings:
    """Tables, keys, queue and address book, as the template makes them."""
    _tables(laptop)
    kms = laptop.client("kms")
    queue = laptop.client("sqs").create_queue(QueueName="callbacks")["QueueUrl"]
    arns = {}
    for name, login in {
        "aurora": privacy,
        "redis": ops,
    }.items():
        text = json.dumps({"username": login.username, "password": login.password})
        vault = laptop.client("secretsmanager")
        arns[name] = vault.create_secret(Name=f"privacy/{name}", SecretString=text)["ARN"]
    for name in ("writer", "reader"):
        laptop.client("ssm").put_parameter(
            Name=f"{BOOK}/{name}", Value=getattr(servers.postgres, name), Type="String"
        )
    laptop.client("ssm").put_parameter(Name=f"{BOOK}/epoch", Value="1", Type="String")
    return Settings(
        environment="test",
        address_book=BOOK,
        database_secret_arn=arns["aurora"],
        redis_secret_arn=arns["redis"],
        redis_host=servers.redis.host,
        redis_port=servers.redis.port,
        files_root="set by each test",
        ledger_table="ledger",
        keys_table="keys",
        key_arn=kms.create_key()["KeyMetadata"]["Arn"],
        signing_key_arn=kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"][
            "Arn"
        ],
        callbacks_queue_url=queue,
        ops_bus="default",
        grace_seconds=0,
        backup_days=35,
    )


def _tables(laptop: Laptop) -> None:
    dynamodb = laptop.client("dynamodb")
    dynamodb.create_table(
        TableName="ledger",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"}
            for name in ("id", "what", "open", "received_at")
        ],
        KeySchema=[
            {"AttributeName": "id", "KeyType": "HASH"},
            {"AttributeName": "what", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "open",
                "KeySchema": [
                    {"AttributeName": "open", "KeyType": "HASH"},
                    {"AttributeName": "received_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    tables.create(dynamodb, "keys", "request_id")


@dataclass
class Flow:
    """The workflow's part, played by hand."""

    laptop: Laptop
    stores: Stores
    env: Settings

    def doors(self, **changes: Any) -> Doors:
        """As a new process opens them."""
        made = entrance.open_doors.__wrapped__(self.env, ca_file=self.stores.servers.ca)
        return replace(made, **changes) if changes else made

    def post(self, *who: tuple[str, str], doors: Doors | None = None) -> Record:
        """Take a request about whoever has these identities."""
        request = Request(
            request=uuid.uuid4(),
            submitted_at=datetime.now(UTC),
            identities=dict(who),
            callback_urls=("https://callbacks.controller.example/opendsr",),
            verified_by="self_service",
            version="2.0",
            sha256=uuid.uuid4().hex * 2,
            encoded="",
        )
        return self.receive(request, doors or self.doors())[0]

    def receive(self, request: Request, doors: Doors) -> tuple[Record, bool]:
        return intake.receive(
            request, "tests", doors.ledger, doors.seals, doors.subjects, datetime.now(UTC)
        )

    def about(self, who: Somebody) -> Record:
        return self.post(("email", who.email))

    def step(self, name: str, request: uuid.UUID, doors: Doors) -> Record:
        return erasure.run(name, request, doors, Deadline(time.monotonic() + 30, 30))

    def run(self, request: uuid.UUID, doors: Doors | None = None) -> Record:
        """From wherever it is to its end, as the state machine does."""
        doors = doors or self.doors()
        number = 0
        while number < len(ORDER):
            try:
                record = self.step(ORDER[number], request, doors)
            except SentBack:
                number = ORDER.index("fence")
                continue
            if record.state == "cancelled":
                return self.step("close", request, doors)
            back = ORDER[number] == "verify" and record.state == "erasing"
            number = ORDER.index("erase_database") if back else number + 1
        return record

    def receipt(self, request: uuid.UUID) -> dict[str, Any]:
        kept = self.doors().ledger.receipt(request)
        assert kept
        content: dict[str, Any] = json.loads(json.loads(kept)["receipt"])
        return content
