"""The chapter of the privacy officer: somebody asks to be forgotten, and is, everywhere."""

from __future__ import annotations

import base64
import gzip
import json
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from demo import stores, tables
from demo.canary import Needles
from demo.platform import CannotPlay
from demo.progress import step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from demo.platform import Platform

STATES: Final = ("received", "verified", "fenced", "erasing", "verifying", "completed")
VERIFIED_BY: Final = "self_service"
WAIT_S: Final = 90.0
WATCHED: Final = 200


@dataclass
class Person:
    """Somebody with a mark in every text that the platform keeps about people."""

    mark: str = field(default_factory=lambda: f"Canary{uuid.uuid4().hex[:10]}")
    account: uuid.UUID = field(default_factory=uuid.uuid4)
    profile: uuid.UUID = field(default_factory=uuid.uuid4)
    device: uuid.UUID = field(default_factory=uuid.uuid4)
    session: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def email(self) -> str:
        return f"{self.mark}@viewer.example"

    @property
    def needles(self) -> Needles:
        ids = (self.account, self.profile, self.device, self.session)
        return Needles.of((self.mark, self.email), ids)


@dataclass(frozen=True)
class Found:
    """A store, and what was found in it: of the person before and after, of the control."""

    store: str
    before: int
    control: int
    after: int


def play(platform: Platform, console: Console) -> bool:
    """Whether nothing of the person is left and the neighbour did not notice.

    Raises: `CannotPlay` when the search itself cannot be believed.
    """
    person, neighbour = Person(), Person()
    allow(platform)
    for each in (person, neighbour):
        settle(platform, each)
    _event(platform, person)
    _analyse(platform)
    control = _plant(platform)
    before = _search(platform, person.needles)
    planted = _search(platform, control.needles)
    untouched = _portrait(platform, neighbour)
    if blind := [name for name in before if not before[name] + planted[name]]:
        raise CannotPlay(f"the search finds nothing in {', '.join(blind)}: it proves nothing")

    receipt = erase(platform, console, person)
    _event(platform, person)  # late: what was in flight
    time.sleep(2)
    after = _search(platform, person.needles)
    found = [Found(name, before[name], planted[name], after[name]) for name in before]
    same = _portrait(platform, neighbour) == untouched
    _show(console, receipt, found, same=same)
    return same and not any(each.after for each in found)


def allow(platform: Platform) -> None:
    """Let the caller that this is vouch for people, unless somebody has."""
    arn = platform.client("sts").get_caller_identity()["Arn"]
    name, ssm = f"/streamflix/{platform.suffix}/privacy/callers", platform.client("ssm")
    known = ssm.get_parameters(Names=[name])["Parameters"]
    if known and arn in known[0]["Value"]:
        return
    caller = {"request_types": ["erasure"], "verified_by": [VERIFIED_BY, "id_document"]}
    ssm.put_parameter(
        Name=name,
        Type="String",
        Overwrite=True,
        Value=json.dumps({"callers": {arn: caller}, "callback_hosts": []}),
    )


def settle(platform: Platform, who: Person) -> None:
    account, profile = str(who.account), str(who.profile)
    with platform.postgres("master") as connection, connection.cursor() as cursor:
        cursor.execute("SET ROLE catalog_owner")
        cursor.execute(
            "INSERT INTO catalog.title (title_id, kind, name, genre, duration_s)"
            " VALUES ('privacy-demo', 'film', 'A film', 'drama', 60) ON CONFLICT DO NOTHING"
        )
        cursor.execute("SET ROLE app_owner")
        for statement, values in (
            (
                "INSERT INTO app.account (account_id, email, country) VALUES (%s, %s, 'DE')",
                (account, who.email),
            ),
            (
                "INSERT INTO app.profile (profile_id, account_id, name) VALUES (%s, %s, %s)",
                (profile, account, who.mark),
            ),
            (
                (
                    "INSERT INTO app.device (device_id, account_id, kind, label)"
                    " VALUES (%s, %s, 'tv', %s)"
                ),
                (str(who.device), account, f"{who.mark}'s"),
            ),
            (
                (
                    "INSERT INTO app.invoice (account_id, issued_on, amount_cents, vat_cents)"
                    " SELECT %s, now()::date - n * 30, 1299, 207 FROM generate_series(1, 12) AS n"
                ),
                (account,),
            ),
            (
                (
                    "INSERT INTO app.watch_history SELECT %s, gen_random_uuid(), 'privacy-demo',"
                    " now() - n * interval '1 hour', 60, 60, 'tv' FROM generate_series(1, %s) AS n"
                ),
                (profile, WATCHED),
            ),
            (
                (
                    "INSERT INTO app.rating (profile_id, title_id, stars)"
                    " VALUES (%s, 'privacy-demo', 5)"
                ),
                (profile,),
            ),
        ):
            cursor.execute(statement, values)
    redis: Any = platform.redis()
    key = f"session:{{{who.account}}}:{who.session}"
    redis.hset(key, mapping={"profile_id": profile, "device_id": str(who.device)})
    redis.sadd(f"sessions:{{{who.account}}}", str(who.session))
    for each in (key, f"sessions:{{{who.account}}}"):
        redis.expire(each, 3600)
    redis.close()
    system = platform.outputs["EFSFileSystemId"]
    folder = stores.home() / "files" / system / "service" / "accounts" / account
    folder.mkdir(parents=True)
    (folder / "avatar.svg.gz").write_bytes(gzip.compress(f"<svg>{who.mark}</svg>".encode()))


def _event(platform: Platform, who: Person) -> None:
    """A session of the person's ends: one row more, unless he is erased."""
    event = {
        "event_id": str(uuid.uuid4()),
        "type": "stop",
        "account_id": str(who.account),
        "profile_id": str(who.profile),
        "session_id": str(who.session),
        "title_id": "privacy-demo",
        "device": "tv",
        "country": "DE",
        "position_s": 60,
        "watched_s": 60,
        "bitrate_kbps": 8000,
        "rebuffer_ms": 0,
        "ts": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    platform.client("kinesis").put_record(
        StreamName=platform.stream, Data=json.dumps(event), PartitionKey="privacy-demo"
    )


def _analyse(platform: Platform) -> None:
    """So that PostgreSQL keeps values of the person beside the tables as well."""
    with platform.postgres("master") as connection, connection.cursor() as cursor:
        cursor.execute("SET ROLE app_owner")
        for table in ("account", "profile", "device", "watch_history"):
            cursor.execute(f"ANALYZE app.{table}")


def _plant(platform: Platform) -> Person:
    """Put marks of nobody into the stores that must never hold any: is the search able to see?"""
    control = Person()
    told = base64.b64encode(f".{control.email}".encode()).decode()
    platform.client("dynamodb").put_item(
        TableName=platform.outputs["PrivacyLedgerTableName"],
        Item={"id": {"S": "control"}, "what": {"S": told}},
    )
    sqs = platform.client("sqs")
    queue = sqs.get_queue_url(QueueName=f"streamflix-ops-dead-letters-{platform.suffix}")
    sqs.send_message(QueueUrl=queue["QueueUrl"], MessageBody=control.account.hex.upper())
    platform.client("stepfunctions").start_execution(
        stateMachineArn=platform.outputs["RedeployStateMachineArn"],
        input=json.dumps({"control": control.email.encode().hex()}),
    )
    logs, group = platform.client("logs"), f"/aws/lambda/streamflix-privacy-call-{platform.suffix}"
    logs.create_log_stream(logGroupName=group, logStreamName=control.mark)
    logs.put_log_events(
        logGroupName=group,
        logStreamName=control.mark,
        logEvents=[{"timestamp": int(time.time() * 1000), "message": control.email.upper()}],
    )
    return control


def _search(platform: Platform, needles: Needles) -> dict[str, int]:
    return {
        name: sum(needles.count(part) for part in read())
        for name, read in stores.everything(platform).items()
    }


def _portrait(platform: Platform, who: Person) -> list[bytes]:
    """Everything that names somebody, to the byte."""
    needles = who.needles
    kept = ("tables", "Redis", "files")
    return sorted(
        line
        for name, read in stores.everything(platform).items()
        if name in kept
        for part in read()
        for line in (part.split(b"\n") if name == "tables" else [part])
        if needles.count(line)
    )


def erase(platform: Platform, console: Console, who: Person) -> Mapping[str, Any]:
    discovery = _call(platform, "GET", "/v2/discovery")
    (domain,) = discovery["extensions"]
    request = str(uuid.uuid4())
    body = {
        "regulation": "gdpr",
        "api_version": "2.0",
        "subject_request_id": request,
        "subject_request_type": "erasure",
        "submitted_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "subject_identities": [
            {"identity_type": "email", "identity_value": who.email, "identity_format": "raw"}
        ],
        "extensions": {domain: {"verified_by": VERIFIED_BY}},
    }
    _call(platform, "POST", "/v2/requests", body)
    plan = _call(platform, "GET", f"/v2/requests/{request}/plan")["plan"]
    console.print(
        "The plan of one request: "
        + ", ".join(f"{each['count']} of {each['place']}" for each in plan if each["count"])
    )
    began = time.monotonic()
    with step(console, "erasing", len(STATES)) as progress:
        state = ""
        while state != "completed":
            if time.monotonic() - began > WAIT_S:
                raise CannotPlay(f"the erasure stands still at {state}: make logs ROOM=privacy")
            told = _call(platform, "GET", f"/v2/requests/{request}")["extensions"][domain]
            state = told["state"]
            progress(STATES.index(state) + 1)
            time.sleep(0.1)
    told = _call(platform, "GET", f"/v2/requests/{request}/receipt")
    receipt: Mapping[str, Any] = json.loads(told["receipt"])
    return receipt


def _call(platform: Platform, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """As any controller's program would: signed with SigV4, then plain HTTPS."""
    import boto3

    session = boto3.session.Session()
    url = platform.outputs["APIGatewayURL"] + path
    data = None if body is None else json.dumps(body).encode()
    headers = {} if data is None else {"Content-Type": "application/json"}
    asked = AWSRequest(method=method, url=url, data=data, headers=headers)
    SigV4Auth(session.get_credentials(), "execute-api", "eu-central-1").add_auth(asked)
    request = urllib.request.Request(url, data=data, method=method, headers=dict(asked.headers))
    try:
        with urllib.request.urlopen(request, timeout=35) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except urllib.error.HTTPError as error:
        raise CannotPlay(f"the API answered {error.code}: make logs ROOM=privacy") from None


def _show(console: Console, receipt: Mapping[str, Any], found: list[Found], *, same: bool) -> None:
    title = "Somebody asked to be forgotten: what every store holds of him"
    table = tables.figures(title, "store", "before", "control", "after")
    for each in found:
        row = (each.store, f"{each.before:,}", f"{each.control:,}", f"{each.after:,}")
        table.add_row(*row, style="bold red" if each.after else None)
    console.print(table)
    gone = sum(receipt["erased"].values())
    kept = sum(each["rows"] for each in receipt["retained"])
    neighbour = "is the same to the byte" if same else "CHANGED"
    console.print(
        f"Receipt {receipt['subject_request_id']}: {gone:,} erased, {kept} kept for the tax office "
        f"without a name; his neighbour {neighbour}. Backups forget him on "
        f"{receipt['backups_expire_on']}.\n"
    )
