"""A person asks to be forgotten through the API of what is deployed."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.privacy.conftest import CALLBACK_HOST, DOMAIN, rows, settle
from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.e2e.privacy.conftest import Api, Somebody
    from tests.e2e.stage import Stage


def stop_of(who: Somebody, stage: Stage) -> dict[str, Any]:
    return stage.event("stop", account_id=who.account, profile_id=who.profile)


def test_discovery_says_what_is_understood(api: Api) -> None:
    answer = api("GET", "/v2/discovery")

    assert answer.status == 200
    assert answer.json["supported_subject_request_types"] == ["erasure"]
    assert answer.json["processor_certificate"] is None
    api.verify(answer.body, answer.headers["x-opendsr-signature"])


def test_who_does_not_sign_is_not_heard(api: Api) -> None:
    assert api("GET", "/v2/discovery", sign=False).status == 403
    assert api("POST", "/v2/requests", api.ask({"email": "a@b.example"}), sign=False).status == 403


def test_a_person_goes_from_every_store_and_late_events_bring_nobody_back(
    api: Api, stage: Stage, owner: Any, redis: Any, somebody: Somebody
) -> None:
    stage.put(stop_of(somebody, stage))
    stage.settle()
    neighbour = settle(owner, redis)
    body = api.ask(
        {"email": somebody.email},
        status_callback_urls=[f"https://{CALLBACK_HOST}/opendsr"],
    )
    request = body["subject_request_id"]

    taken = api("POST", "/v2/requests", body)
    plan = api("GET", f"/v2/requests/{request}/plan")

    assert taken.status == 201, taken.body
    api.verify(taken.body, taken.headers["x-opendsr-signature"])
    assert {each["place"]: each["count"] for each in plan.json["plan"]} == {
        "app.account": 1,
        "app.device": 1,
        "app.invoice": 1,
        "app.profile": 1,
        "app.rating": 1,
        "app.watch_history": 1,
        "session:{<account>}:<session>, sessions:{<account>}": 2,
        "accounts/<account>": 0,
    }
    api.completed(request)
    receipt = api.receipt(request)
    assert set(rows(owner, somebody).values()) == {0}
    assert list(redis.scan_iter(match=f"*{somebody.account}*")) == []
    assert receipt["erased"]["app.watch_history"] == 1
    assert receipt["erased"]["redis"] == 2
    assert receipt["retained"][0]["rows"] == 1
    assert set(rows(owner, neighbour).values()) == {0, 1}  # he has watched nothing
    assert len(list(redis.scan_iter(match=f"*{neighbour.account}*"))) == 2

    stage.put(stop_of(somebody, stage))
    stage.settle()
    assert set(rows(owner, somebody).values()) == {0}

    again = api("POST", "/v2/requests", body)
    assert (again.status, again.body) == (201, taken.body)
    assert again.headers["x-opendsr-signature"] == taken.headers["x-opendsr-signature"]
    other = api("POST", "/v2/requests", {**body, "api_version": "3.0"})
    assert other.status == 409
    assert api("GET", f"/v2/requests/{request}/plan").status == 409


def test_until_the_fence_a_request_can_be_withdrawn(
    api: Api, owner: Any, redis: Any, somebody: Somebody
) -> None:
    body = api.ask(
        {"controller_customer_id": somebody.account},
        status_callback_urls=[f"https://{CALLBACK_HOST}/opendsr"],
    )
    assert api("POST", "/v2/requests", body).status == 201

    withdrawn = api("DELETE", f"/v2/requests/{body['subject_request_id']}")

    assert withdrawn.status == 202, withdrawn.body
    assert api.status(body["subject_request_id"]) == "cancelled"
    assert rows(owner, somebody)["app.account"] == 1
    assert api("POST", "/v2/requests", api.ask({"email": somebody.email})).status == 201


def test_a_request_of_somebody_else_does_not_exist(api: Api) -> None:
    for path in ("", "/plan", "/receipt"):
        assert api("GET", f"/v2/requests/{uuid.uuid4()}{path}").status == 404


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"subject_request_type": "access"}, "unsupported_request_type"),
        ({"submitted_time": "2999-01-01T00:00:00Z"}, "in_the_future"),
        ({"extensions": {DOMAIN: {"verified_by": "a_feeling"}}}, "not_allowed"),
        ({"status_callback_urls": ["https://169.254.169.254/latest"]}, "unknown_host"),
    ],
)
def test_what_is_no_request_is_refused_by_its_field(
    api: Api, changes: dict[str, Any], reason: str
) -> None:
    answer = api("POST", "/v2/requests", api.ask({"email": "a@b.example"}, **changes))

    assert answer.status == 400
    assert [each["reason"] for each in answer.json["error"]["errors"]] == [reason]
    api.verify(answer.body, answer.headers["x-opendsr-signature"])


def invoke(aws: Any, outputs: dict[str, str], event: dict[str, str]) -> Any:
    answer = aws.client("lambda").invoke(
        FunctionName=f"streamflix-privacy-tend-{outputs['EnvironmentSuffix']}",
        Payload=json.dumps(event),
    )
    told = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    return told


def test_a_workflow_that_nobody_started_is_started_and_one_that_fails_is_put_on_record(
    api: Api, aws: Any, outputs: dict[str, str], somebody: Somebody
) -> None:
    body = api.ask({"email": somebody.email})
    api("POST", "/v2/requests", body)
    api("DELETE", f"/v2/requests/{body['subject_request_id']}")
    ledger, table = aws.client("dynamodb"), outputs["PrivacyLedgerTableName"]
    key = {"what": {"S": "state"}, "id": {"S": f"request#{body['subject_request_id']}"}}
    item = ledger.get_item(TableName=table, Key=key)["Item"]
    lost = str(uuid.uuid4())  # its identities were sealed with a key that is gone
    orphan = {
        **item,
        "id": {"S": f"request#{lost}"},
        "state": {"S": "received"},
        "open": {"S": "yes"},
        "sealed": {"B": b"x" * 40},
    }
    ledger.put_item(TableName=table, Item=orphan)

    try:
        numbers = invoke(aws, outputs, {"task": "requests"})
        assert numbers["ErasuresOpen"] >= 1
        execution = outputs["ErasureStateMachineArn"].replace(":stateMachine:", ":execution:")
        states = aws.client("stepfunctions")
        ended = eventually(
            lambda: states.describe_execution(executionArn=f"{execution}:{lost}-0"),
            30,
            lambda it: it["status"] != "RUNNING",
        )
        assert (ended["status"], ended["error"]) == ("FAILED", "KeyDestroyed")
        left = ledger.get_item(TableName=table, Key={**key, "id": orphan["id"]})["Item"]
        assert left["state"] == {"S": "received"}
        assert int(left["version"]["N"]) == int(item["version"]["N"]) + 1
        assert somebody.email not in json.dumps(ended, default=str)
    finally:
        ledger.delete_item(TableName=table, Key={**key, "id": orphan["id"]})


def test_once_a_day_stores_are_compared_with_the_map(aws: Any, outputs: dict[str, str]) -> None:
    numbers = invoke(aws, outputs, {"task": "expiry"})

    assert numbers["DataMapDrift"] == 0
    assert numbers["RedisKeysUnmapped"] == 0
