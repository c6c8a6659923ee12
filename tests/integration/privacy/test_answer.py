"""The API's function, called as API Gateway calls it."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from privacy import answer, tend, work
from streamflix import settings
from tests.integration.privacy.conftest import ROWS
from tests.integration.privacy.desk import DOMAIN, ROLE, Context

if TYPE_CHECKING:
    import pytest

    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.desk import Desk


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
        **ROWS,
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


def test_identities_of_two_people_have_no_plan(
    desk: Desk, somebody: Somebody, neighbour: Somebody
) -> None:
    who = {"email": somebody.email, "controller_customer_id": str(neighbour.account)}
    body = desk.ask(who)
    desk("POST", "/v2/requests", body)

    code, told, _ = desk("GET", f"/v2/requests/{body['subject_request_id']}/plan")

    assert (code, told["error"]["errors"][0]["reason"]) == (409, "identity_mismatch")
