"""The public door, as anybody on the internet meets it."""

from __future__ import annotations

import json
import re
import urllib.request
import uuid
from typing import Any

import pytest

from tests.e2e.answer import Answer, answer_to
from tests.eventually import eventually

LOGGED_WITHIN_SECONDS = 60


@pytest.fixture(scope="module")
def ask(outputs: dict[str, str]) -> Any:
    """`ask(path, method, body, **headers)`: the answer, whatever its status."""

    def send(path: str, method: str = "GET", body: str = "", **headers: str) -> Answer:
        request = urllib.request.Request(
            outputs["APIGatewayURL"] + path,
            body.encode() or None,
            {"Content-Type": "application/json", "User-Agent": "streamflix-e2e"} | headers,
            method=method,
        )
        return answer_to(request, within=15)

    return send


def test_the_door_answers_on_its_own(ask: Any) -> None:
    answer = ask("/ping")

    assert (answer.status, answer.json) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"


def test_the_health_of_the_service_is_asked_through_the_whole_chain(ask: Any) -> None:
    """The laptop has the chain up to the private way, and says so instead of hanging."""
    answer = ask("/health")

    assert answer.status == 200 or answer.json["error"] == "THE_LAPTOP_RUNS_NO_SERVICE"


@pytest.mark.parametrize("method", ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"])
def test_every_verb_below_app_reaches_for_the_service(ask: Any, method: str) -> None:
    body = "{}" if method in ("PATCH", "POST", "PUT") else ""

    answer = ask(f"/app/{uuid.uuid4()}/films", method, body)

    assert "MISSING_AUTHENTICATION_TOKEN" not in answer.text
    assert "BAD_REQUEST" not in answer.text


@pytest.mark.parametrize(
    ("path", "method", "body", "status", "error"),
    [
        ("/", "GET", "", 403, "MISSING_AUTHENTICATION_TOKEN"),
        ("/nowhere", "GET", "", 403, "MISSING_AUTHENTICATION_TOKEN"),
        ("/ping", "DELETE", "", 403, "MISSING_AUTHENTICATION_TOKEN"),
        ("/app/films", "POST", "{", 400, "BAD_REQUEST_BODY"),
        ("/app/films", "POST", "[]", 400, "BAD_REQUEST_BODY"),
        ("/app/films", "PUT", '"secret-word"', 400, "BAD_REQUEST_BODY"),
        ("/app/films", "PATCH", "", 400, "BAD_REQUEST_BODY"),
    ],
)
def test_what_the_door_refuses_it_refuses_in_one_shape_that_repeats_nothing(
    ask: Any, path: str, method: str, body: str, status: int, error: str
) -> None:
    answer = ask(f"{path}?mail=viewer@example.org", method, body)

    assert (answer.status, answer.json["error"]) == (status, error)
    assert answer.json.keys() == {"error", "requestId"}
    assert uuid.UUID(answer.json["requestId"])
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["cache-control"] == "no-store"
    for word in ("viewer@example.org", "secret-word", "films", "nowhere"):
        assert word not in answer.text


def test_a_body_of_a_kind_that_ping_does_not_know_is_refused(ask: Any) -> None:
    answer = ask("/ping", **{"Content-Type": "text/plain"})

    assert (answer.status, answer.json["error"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_the_access_log_finds_the_request_and_not_the_person(
    ask: Any, aws: Any, outputs: dict[str, str]
) -> None:
    account, mail = str(uuid.uuid4()), f"{uuid.uuid4().hex[:8]}@example.org"
    refused = ask(f"/app/{account}?mail={mail}", "POST", "[]", Cookie=f"session={account}")
    wanted = refused.json["requestId"]
    logs = aws.client("logs")
    group = f"/aws/apigateway/streamflix-api-{outputs['EnvironmentSuffix']}"

    def written() -> list[str]:
        found = logs.filter_log_events(logGroupName=group, filterPattern=f'"{wanted}"')
        return [event["message"] for event in found["events"] if wanted in event["message"]]

    (line,) = eventually(written, LOGGED_WITHIN_SECONDS)
    entry = json.loads(line)

    assert (entry["route"], entry["method"], entry["status"]) == ("/app/{proxy+}", "POST", "400")
    assert entry["error"] == "BAD_REQUEST_BODY"
    for person in (account, mail, "streamflix-e2e", "session"):
        assert person not in line
    assert not re.search(r"\b\d{1,3}(\.\d{1,3}){3}\b", line), "an address of the internet"
