"""The API's function, called as API Gateway calls it."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from privacy import answer, callers, check, tend, work
from privacy import doors as entrance
from privacy.errors import BadStep, DataMapDrifted
from streamflix import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.flow import Flow

DOMAIN = "opendsr.streamflix.example"
PARAMETER = "/streamflix/test/privacy/callers"
ROLE = "arn:aws:iam::000000000000:role/officer"
SESSION = "arn:aws:sts::000000000000:assumed-role/officer/anna"
MACHINE = {
    "StartAt": "Wait",
    "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}},
}


@dataclass
class Context:
    function_name: str = "streamflix-privacy-answer-test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:000000000000:function:f"
    aws_request_id: str = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@dataclass
class Desk:
    """Calls the functions, each as a process of its own."""

    flow: Flow
    machine: str

    def __call__(
        self, method: str, path: str, body: Any = None, *, caller: str = SESSION, raw: str = ""
    ) -> tuple[int, Any, dict[str, Any]]:
        event = {
            "resource": path,
            "path": path,
            "httpMethod": method,
            "headers": {"Content-Type": "application/json"},
            "multiValueHeaders": {},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "pathParameters": None,
            "requestContext": {"identity": {"userArn": caller}, "stage": "live"},
            "body": raw or (json.dumps(body) if body is not None else None),
            "isBase64Encoded": False,
        }
        given = answer.handler(event, Context())
        return given["statusCode"], json.loads(given["body"]), given

    def ask(self, who: dict[str, str], **changes: Any) -> dict[str, Any]:
        return {
            "regulation": "gdpr",
            "subject_request_id": str(uuid.uuid4()),
            "subject_request_type": "erasure",
            "submitted_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "subject_identities": {kind: {"value": value} for kind, value in who.items()},
            "extensions": {DOMAIN: {"verified_by": "self_service"}},
            **changes,
        }

    def running(self, request: str) -> list[str]:
        found = self.flow.laptop.client("stepfunctions").list_executions(
            stateMachineArn=self.machine
        )["executions"]
        return [each["name"] for each in found if each["name"].startswith(request)]

    def allow(self, **document: Any) -> None:
        self.flow.laptop.client("ssm").put_parameter(
            Name=PARAMETER, Type="String", Overwrite=True, Value=json.dumps(document)
        )
        answer.desk.cache_clear()


@pytest.fixture(scope="session")
def machine(laptop: Any) -> str:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "states.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = laptop.client("iam").create_role(
        RoleName="erase",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    arn: str = laptop.client("stepfunctions").create_state_machine(
        name="erase", definition=json.dumps(MACHINE), roleArn=role
    )["stateMachineArn"]
    return arn


@pytest.fixture
def desk(flow: Flow, machine: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    values = {name.upper(): str(value) for name, value in asdict(flow.env).items()}
    values |= {
        "DOMAIN": DOMAIN,
        "CALLERS_PARAMETER": PARAMETER,
        "STATE_MACHINE_ARN": machine,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    real = entrance.open_doors.__wrapped__
    made: dict[Any, Any] = {}

    def open_once(env: Any) -> Any:
        if env not in made:
            made[env] = real(env, ca_file=flow.stores.servers.ca)
        return made[env]

    for module in (answer, tend, work):
        monkeypatch.setattr(module, "open_doors", open_once)
    monkeypatch.setattr(entrance, "open_doors", open_once)
    settings.cached.cache_clear()
    answer.desk.cache_clear()
    desk = Desk(flow, machine)
    desk.allow(
        callers={ROLE: {"request_types": ["erasure"], "verified_by": ["self_service"]}},
        callback_hosts=["callbacks.controller.example"],
    )
    yield desk
    settings.cached.cache_clear()
    answer.desk.cache_clear()


def test_a_request_is_taken_and_its_workflow_started(desk: Desk, somebody: Somebody) -> None:
    body = desk.ask({"email": somebody.email})

    code, told, given = desk("POST", "/v2/requests", body)

    assert code == 201
    assert told["controller_id"] == ROLE
    assert base64.b64decode(told["encoded_request"]) == json.dumps(body).encode()
    assert desk.running(body["subject_request_id"]) == [f"{body['subject_request_id']}-0"]
    key = serialization.load_pem_public_key(
        desk("GET", "/v2/discovery")[1]["extensions"][DOMAIN]["public_key"].encode()
    )
    signature = given["multiValueHeaders"]["X-OpenDSR-Signature"][0]
    key.verify(  # type: ignore[union-attr,call-arg]
        base64.b64decode(signature), given["body"].encode(), padding.PKCS1v15(), hashes.SHA256()
    )


def test_the_same_request_gets_the_same_bytes_and_starts_nothing(
    desk: Desk, somebody: Somebody
) -> None:
    body = desk.ask({"email": somebody.email})

    first, second = (desk("POST", "/v2/requests", body)[2] for _ in range(2))

    assert first == second
    assert len(desk.running(body["subject_request_id"])) == 1
    assert desk("POST", "/v2/requests", {**body, "group_id": "other"})[0] == 409


def test_a_second_request_about_the_same_person_names_the_first(
    desk: Desk, somebody: Somebody
) -> None:
    first = desk.ask({"email": somebody.email})
    desk("POST", "/v2/requests", first)

    code, told, _ = desk("POST", "/v2/requests", desk.ask({"email": somebody.email}))

    assert code == 409
    assert first["subject_request_id"] in told["error"]["message"]
    assert somebody.email not in json.dumps(told)


def test_a_plan_counts_every_store_and_writes_nothing(
    desk: Desk, stores: Stores, somebody: Somebody
) -> None:
    before = stores.dump(somebody.account)
    body = desk.ask({"email": somebody.email})
    desk("POST", "/v2/requests", body)

    code, told, _ = desk("GET", f"/v2/requests/{body['subject_request_id']}/plan")

    assert code == 200
    counts = {each["place"].split(":")[0]: each["count"] for each in told["plan"]}
    assert counts == {
        "app.account": 1,
        "app.device": 1,
        "app.invoice": 4,
        "app.profile": 2,
        "app.rating": 6,
        "app.watch_history": 30,
        "session": 4,
        "accounts/<account>": 1,
    }
    assert all(each["legal_basis"] for each in told["plan"])
    assert stores.dump(somebody.account) == before


def test_the_plan_of_a_stranger_has_the_same_shape(desk: Desk) -> None:
    body = desk.ask({"email": f"{uuid.uuid4()}@nowhere.example"})
    desk("POST", "/v2/requests", body)

    told = desk("GET", f"/v2/requests/{body['subject_request_id']}/plan")[1]

    assert len(told["plan"]) == 8
    assert {each["count"] for each in told["plan"]} == {0}


def test_a_request_is_followed_to_its_receipt(desk: Desk, somebody: Somebody) -> None:
    body = desk.ask({"email": somebody.email})
    request = body["subject_request_id"]
    desk("POST", "/v2/requests", body)
    path = f"/v2/requests/{request}"
    assert desk("GET", path)[1]["request_status"] == "pending"
    assert desk("GET", f"{path}/receipt")[0] == 409

    for step in ("verify_identity", "fence", "erase_database", "erase_sessions", "erase_files"):
        state = work.handler({"request": request, "step": step}, Context())
    assert (state["state"], state["clean"]) == ("verifying", False)
    assert state["settled_at"] >= state["fence_at"] > ""
    assert desk("GET", path)[1]["request_status"] == "in_progress"
    for step in ("verify", "complete", "close"):
        state = work.handler({"request": request, "step": step}, Context())

    assert state["clean"]
    told = desk("GET", path)[1]
    assert told["request_status"] == "completed"
    assert told["extensions"][DOMAIN]["receipt_path"] == f"{path}/receipt"
    receipt = json.loads(desk("GET", f"{path}/receipt")[1]["receipt"])
    assert receipt["erased"]["app.watch_history"] == 30
    assert desk("GET", f"{path}/plan")[0] == 409
    assert desk("DELETE", path)[0] == 409


def test_a_pending_request_is_withdrawn_however_often(desk: Desk, somebody: Somebody) -> None:
    body = desk.ask({"email": somebody.email})
    path = f"/v2/requests/{body['subject_request_id']}"
    desk("POST", "/v2/requests", body)

    assert [desk("DELETE", path)[0] for _ in range(2)] == [202, 202]
    told = desk("GET", path)[1]
    assert told["request_status"] == "cancelled"
    assert told["extensions"][DOMAIN]["reason_code"] == "withdrawn"
    assert desk("GET", f"{path}/receipt")[0] == 409


def test_a_caller_sees_its_own_requests_only(desk: Desk, somebody: Somebody) -> None:
    body = desk.ask({"email": somebody.email})
    desk("POST", "/v2/requests", body)
    other = "arn:aws:iam::000000000000:user/other"
    desk.allow(
        callers={
            each: {"request_types": ["erasure"], "verified_by": ["self_service"]}
            for each in (ROLE, other)
        }
    )

    for path in ("", "/plan", "/receipt"):
        found = desk("GET", f"/v2/requests/{body['subject_request_id']}{path}", caller=other)
        assert found[0] == 404
    assert desk("DELETE", f"/v2/requests/{body['subject_request_id']}", caller=other)[0] == 404
    assert desk("POST", "/v2/requests", body, caller=other)[0] == 409
    assert desk("GET", "/v2/requests/no-id")[0] == 404


@pytest.mark.parametrize(
    "document",
    [
        {"callers": {}},
        {"callers": {ROLE: {"request_types": [], "verified_by": ["self_service"]}}},
    ],
)
def test_who_is_not_on_the_list_may_ask_for_nothing(
    desk: Desk, somebody: Somebody, document: dict[str, Any]
) -> None:
    desk.allow(**document)

    assert desk("POST", "/v2/requests", desk.ask({"email": somebody.email}))[0] == 403


def test_without_a_list_or_with_a_broken_one_nobody_may(desk: Desk, somebody: Somebody) -> None:
    desk.allow(callers={ROLE: {"may": "everything"}})
    assert desk("POST", "/v2/requests", desk.ask({"email": somebody.email}))[0] == 503

    desk.flow.laptop.client("ssm").delete_parameter(Name=PARAMETER)
    answer.desk.cache_clear()
    assert desk("POST", "/v2/requests", desk.ask({"email": somebody.email}))[0] == 403


def test_a_body_that_is_none_is_refused(desk: Desk) -> None:
    for raw in ("", "[]", "{", '{"a": 1, "a": 2}'):
        code, told, _ = desk("POST", "/v2/requests", raw=raw)
        assert code == 400
        assert told["error"]["errors"]


def test_drift_blocks_a_plan_and_says_that_a_person_must_look(
    desk: Desk, stores: Stores, somebody: Somebody
) -> None:
    body = desk.ask({"email": somebody.email})
    desk("POST", "/v2/requests", body)
    stores.database.do("app_owner", "ALTER TABLE app.rating ADD COLUMN review text")
    try:
        code, told, _ = desk("GET", f"/v2/requests/{body['subject_request_id']}/plan")
        tended = tend.handler({"task": "expiry"}, Context())
    finally:
        stores.database.do("app_owner", "ALTER TABLE app.rating DROP COLUMN review")

    assert code == 409
    assert told["error"]["errors"][0]["reason"] == "blocked"
    assert tended["DataMapDrift"] == 1


def test_a_ledger_that_is_away_promises_nothing(
    desk: Desk, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = desk.ask({"email": somebody.email})
    monkeypatch.setenv("LEDGER_TABLE", "no-such-table")
    settings.cached.cache_clear()
    answer.desk.cache_clear()

    code, told, given = desk("POST", "/v2/requests", body)

    assert code == 503
    assert given["multiValueHeaders"]["Retry-After"] == ["5"]
    assert somebody.email not in json.dumps(told)


def test_what_cannot_be_signed_is_not_said(
    desk: Desk, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNING_KEY_ARN", str(uuid.uuid4()))
    settings.cached.cache_clear()
    answer.desk.cache_clear()

    code, told, given = desk("POST", "/v2/requests", desk.ask({"email": somebody.email}))

    assert code == 503
    assert "encoded_request" not in told
    assert "X-OpenDSR-Signature" not in given["multiValueHeaders"]


def test_a_workflow_that_could_not_be_started_is_started_within_the_minute(
    desk: Desk, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = desk.ask({"email": somebody.email})
    monkeypatch.setenv("STATE_MACHINE_ARN", desk.machine + "-gone")
    settings.cached.cache_clear()
    answer.desk.cache_clear()
    assert desk("POST", "/v2/requests", body)[0] == 201
    assert desk.running(body["subject_request_id"]) == []

    monkeypatch.setenv("STATE_MACHINE_ARN", desk.machine)
    settings.cached.cache_clear()
    numbers = [tend.handler({"task": "requests"}, Context()) for _ in range(2)]

    assert desk.running(body["subject_request_id"]) == [f"{body['subject_request_id']}-0"]
    assert numbers[0]["ErasuresOpen"] >= 1
    assert numbers[0]["ErasureOldestOpenDays"] == 0


def test_what_tax_law_lets_go_is_deleted(desk: Desk, stores: Stores) -> None:
    stores.database.do(
        "privacy_owner",
        "INSERT INTO privacy.retained_invoice (issued_on, country, amount_cents, vat_cents,"
        " currency, state, expires_at) SELECT now() - interval '9 years', 'DE', 1, 0, 'EUR',"
        " 'paid', now()::date + days FROM unnest(ARRAY[-1, 0, 1]) AS days;"
        "INSERT INTO privacy.tombstone (mark, epoch, made_at) SELECT decode(repeat(n, 32), 'hex'),"
        " 1, now() - days * interval '1 day' FROM (VALUES ('0', 121), ('1', 119)) AS t (n, days)",
    )

    numbers = tend.handler({"task": "expiry"}, Context())

    assert numbers["RetainedRowsExpired"] == 2
    assert numbers["DataMapDrift"] == 0
    left = stores.rows("SELECT count(*) FROM privacy.retained_invoice", role="privacy_erase")
    assert left == [(1,)]
    assert stores.rows("SELECT count(*) FROM privacy.tombstone", role="privacy_erase") == [(1,)]


def test_keys_that_the_map_does_not_name_are_counted(desk: Desk, stores: Stores) -> None:
    before = tend.handler({"task": "expiry"}, Context())["RedisKeysUnmapped"]
    stores.cluster.set("live:2026-11-30T10:00Z", "x", ex=60)
    stores.cluster.set("live:2026-11-30T10:00Z:c:DE", "x", ex=60)
    stores.cluster.set("session:without-its-account", "x", ex=60)

    assert tend.handler({"task": "expiry"}, Context())["RedisKeysUnmapped"] == before + 1


def test_what_is_no_task_and_no_step_is_refused(desk: Desk) -> None:
    with pytest.raises(BadStep):
        tend.handler({"task": "everything"}, Context())
    with pytest.raises(BadStep):
        work.handler({"request": str(uuid.uuid4()), "step": "skip"}, Context())
    with pytest.raises(BadStep):
        work.handler({"request": "nobody", "step": "fence"}, Context())


def test_a_workflow_that_gave_up_is_put_on_record(desk: Desk, somebody: Somebody) -> None:
    body = desk.ask({"email": somebody.email})
    desk("POST", "/v2/requests", body)
    request = body["subject_request_id"]

    work.handler({"request": request, "step": "fail", "error": "DataMapDrifted"}, Context())

    events = answer.desk().doors.ledger.events(uuid.UUID(request))
    assert (events[-1]["what"], events[-1]["detail"]) == ("failed", {"error": "DataMapDrifted"})


@dataclass
class Asked:
    """CloudFormation's request, as far as the check reads it."""

    version: str

    def text(self, name: str) -> str:
        return {"SchemaVersion": self.version}[name]


def test_a_deploy_is_told_whether_the_map_names_everything(desk: Desk, stores: Stores) -> None:
    newest = len(list(Path("functions/schema/sql").glob("*.sql")))
    assert len(check._act(Asked(str(newest)), Context(), None)["MapSha256"]) == 64  # type: ignore[arg-type]

    stores.database.do("app_owner", "ALTER TABLE app.rating ADD COLUMN review text")
    try:
        with pytest.raises(DataMapDrifted):
            check._act(Asked(str(newest)), Context(), None)  # type: ignore[arg-type]
        rolled_back = check._act(Asked(str(newest - 1)), Context(), None)  # type: ignore[arg-type]
    finally:
        stores.database.do("app_owner", "ALTER TABLE app.rating DROP COLUMN review")
    assert rolled_back["MapSha256"]


def test_identities_of_two_people_have_no_plan(
    desk: Desk, somebody: Somebody, neighbour: Somebody
) -> None:
    who = {"email": somebody.email, "controller_customer_id": str(neighbour.account)}
    body = desk.ask(who)
    desk("POST", "/v2/requests", body)

    code, told, _ = desk("GET", f"/v2/requests/{body['subject_request_id']}/plan")

    assert (code, told["error"]["errors"][0]["reason"]) == (409, "identity_mismatch")


def test_a_session_is_its_role() -> None:
    assert callers.role_of(SESSION) == ROLE
    assert callers.role_of("arn:aws:iam::1:user/anna") == "arn:aws:iam::1:user/anna"
