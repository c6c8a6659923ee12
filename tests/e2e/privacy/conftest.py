"""The privacy API as a controller meets it: signed calls, and somebody to ask for."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from tests.e2e import signed
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.answer import Answer

DOMAIN = "opendsr.streamflix.example"
CALLBACK_HOST = "opendsr.controller.invalid"
ERASED_SECONDS = 60


@dataclass
class Api:
    """Calls as one caller; `sign=False` forgets who that is."""

    url: str
    session: Any
    key: Any = None

    def __call__(self, method: str, path: str, body: Any = None, *, sign: bool = True) -> Answer:
        session = self.session if sign else None
        return signed.call(session, method, self.url + path, body)

    def ask(self, who: dict[str, str], **changes: Any) -> dict[str, Any]:
        """A request's body."""
        return {
            "regulation": "gdpr",
            "subject_request_id": str(uuid.uuid4()),
            "subject_request_type": "erasure",
            "submitted_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "subject_identities": [
                {"identity_type": kind, "identity_value": value, "identity_format": "raw"}
                for kind, value in who.items()
            ],
            "api_version": "2.0",
            "extensions": {DOMAIN: {"verified_by": "self_service"}},
            **changes,
        }

    def status(self, request: str) -> str:
        found: str = self("GET", f"/v2/requests/{request}").json["request_status"]
        return found

    def completed(self, request: str) -> None:
        eventually(lambda: self.status(request), ERASED_SECONDS, lambda it: it == "completed")

    def verify(self, content: bytes, signature: str) -> None:
        """Raises when the signature is not the published key's."""
        if self.key is None:
            discovered = self("GET", "/v2/discovery").json["extensions"][DOMAIN]["public_key"]
            self.key = serialization.load_pem_public_key(discovered.encode())
        self.key.verify(base64.b64decode(signature), content, padding.PKCS1v15(), hashes.SHA256())

    def receipt(self, request: str) -> dict[str, Any]:
        told = self("GET", f"/v2/requests/{request}/receipt").json
        self.verify(told["receipt"].encode(), told["signature"])
        found: dict[str, Any] = json.loads(told["receipt"])
        return found


def caller(outputs: dict[str, str], aws: Any) -> Api:
    """Whoever these tests are is allowed to vouch for people."""
    session = boto3.session.Session(region_name="eu-central-1")
    arn = aws.client("sts").get_caller_identity()["Arn"]
    allowed = {"request_types": ["erasure"], "verified_by": ["self_service"]}
    aws.client("ssm").put_parameter(
        Name=f"/streamflix/{outputs['EnvironmentSuffix']}/privacy/callers",
        Type="String",
        Overwrite=True,
        Value=json.dumps({"callers": {arn: allowed}, "callback_hosts": [CALLBACK_HOST]}),
    )
    return Api(outputs["APIGatewayURL"], session)


@pytest.fixture(scope="session")
def api(outputs: dict[str, str], aws: Any) -> Api:
    return caller(outputs, aws)


@dataclass
class Somebody:
    """A person with a row in every table and a key of every pattern."""

    account: str = field(default_factory=lambda: str(uuid.uuid4()))
    profile: str = field(default_factory=lambda: str(uuid.uuid4()))
    title: str = field(default_factory=lambda: f"e2e-{uuid.uuid4().hex[:12]}")

    @property
    def email(self) -> str:
        return f"{self.account}@viewer.example"


COUNTS = {
    "app.account": "account_id",
    "app.device": "account_id",
    "app.invoice": "account_id",
    "app.profile": "account_id",
    "app.rating": "profile_id",
    "app.watch_history": "profile_id",
}


@pytest.fixture
def owner(connect: Any) -> Iterator[Any]:
    """The database's own eyes and hands; the service's login would do for all but the history."""
    connection = connect("MasterSecretArn")
    yield connection
    connection.close()


@pytest.fixture
def somebody(owner: Any, redis: Any) -> Somebody:
    return settle(owner, redis)


def register(cursor: Any, who: Somebody) -> None:
    """In the role that this leaves the cursor in: the account's owner."""
    cursor.execute("SET ROLE app_owner")
    cursor.execute(
        "INSERT INTO app.account (account_id, email, country) VALUES (%s, %s, 'DE')",
        (who.account, who.email),
    )
    cursor.execute(
        "INSERT INTO app.profile (profile_id, account_id, name) VALUES (%s, %s, 'p')",
        (who.profile, who.account),
    )


def settle(owner: Any, redis: Any) -> Somebody:
    who = Somebody()
    with owner.cursor() as cursor:
        register(cursor, who)
        cursor.execute(
            "INSERT INTO app.device (account_id, kind) VALUES (%s, 'tv')", (who.account,)
        )
        cursor.execute(
            "INSERT INTO app.invoice (account_id, issued_on, amount_cents, vat_cents)"
            " VALUES (%s, now(), 1299, 207)",
            (who.account,),
        )
        cursor.execute("SET ROLE catalog_owner")
        cursor.execute(
            "INSERT INTO catalog.title (title_id, kind, name, genre, duration_s)"
            " VALUES (%s, 'film', 'A film', 'drama', 60)",
            (who.title,),
        )
        cursor.execute("SET ROLE app_owner")
        cursor.execute(
            "INSERT INTO app.rating (profile_id, title_id, stars) VALUES (%s, %s, 5)",
            (who.profile, who.title),
        )
        cursor.execute("RESET ROLE")
    key = f"session:{{{who.account}}}:one"
    redis.hset(key, mapping={"profile_id": who.profile, "ip": "192.0.2.7"})
    redis.expire(key, 3600)
    redis.sadd(f"sessions:{{{who.account}}}", "one")
    redis.expire(f"sessions:{{{who.account}}}", 3600)
    return who


def rows(owner: Any, who: Somebody) -> dict[str, int]:
    """How many rows each table has of somebody."""
    found = {}
    with owner.cursor() as cursor:
        cursor.execute("SET ROLE app_owner")
        for table, column in COUNTS.items():
            value = who.account if column == "account_id" else who.profile
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {column} = %s", (value,))
            found[table] = cursor.fetchone()[0]
        cursor.execute("RESET ROLE")
    return found
