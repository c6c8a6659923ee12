"""openapi.yaml is true: whatever is sent, what comes back is described there, and no error of ours.

Here a few requests for each operation; two hundred by `make prove ROOM=privacy`.
"""

from __future__ import annotations

import json
import os
import random
import re
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
import yaml
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from hypothesis import HealthCheck, Phase, reject, settings
from schemathesis.checks import CHECKS
from schemathesis.openapi.checks import JsonSchemaError, UndefinedStatusCode  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.privacy.conftest import Api

OPENAPI = Path(__file__).parents[3] / "openapi.yaml"
EXAMPLES = int(os.environ.get("PRIVACY_EXAMPLES", "5"))
TAKEN = 25
"""Requests that are taken at most: each is a workflow that runs."""
ASKED = ("not_a_server_error", "status_code_conformance", "response_schema_conformance")


def described() -> dict[str, Any]:
    """The room's part of the file, as any client reads it."""
    whole: dict[str, Any] = yaml.safe_load(OPENAPI.read_text())
    paths = {path: item for path, item in whole["paths"].items() if path.startswith("/v2/")}
    text = json.dumps({**whole, "info": {"title": "privacy", "version": "1"}, "paths": paths})
    found: dict[str, Any] = json.loads(re.sub(r'"x-amazon-[a-z-]+": ', '"x-amazon": ', text))
    return found


PROPERTIES = described()["components"]["schemas"]["SubjectRequest"]["properties"]
schema = schemathesis.openapi.from_dict(described())


class Signed(requests.auth.AuthBase):
    """Signs with SigV4 what `requests` is about to send."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __call__(self, asked: requests.PreparedRequest) -> requests.PreparedRequest:
        signed = AWSRequest(method=asked.method, url=asked.url, data=asked.body, headers={})
        if kind := asked.headers.get("Content-Type"):
            signed.headers["Content-Type"] = kind
        SigV4Auth(self._session.get_credentials(), "execute-api", "eu-central-1").add_auth(signed)
        asked.headers.update(dict(signed.headers.items()))
        return asked


Answered = Counter[tuple[str, int]]


@pytest.fixture(scope="session")
def answered(record_testsuite_property: Callable[[str, object], None]) -> Iterator[Answered]:
    """How often each operation was answered with each status, for the proof to print."""
    counted: Answered = Counter()
    yield counted
    record_testsuite_property("calls", f"{counted.total():,}")
    for number, ((operation, status), count) in enumerate(sorted(counted.items())):
        record_testsuite_property(f"answer-{number:03}", f"{operation}|{status}|{count:,}")


@pytest.fixture(scope="session")
def taken(api: Api) -> list[str]:
    """Requests that exist. The first is completed; others follow as they are taken."""
    body = api.ask({"email": f"{uuid.uuid4()}@nowhere.example"})
    assert api("POST", "/v2/requests", body).status == 201
    api.completed(body["subject_request_id"])
    return [body["subject_request_id"]]


def as_a_controller(api: Api, case: schemathesis.Case, taken: list[str]) -> None:
    """What fits the file gets what no file knows: which requests there are, the time, the caller's
    own extension, an address. Everything else stays as it was drawn."""
    if not case.meta.generation.mode.is_positive:
        return
    if "id" in case.path_parameters:
        case.path_parameters["id"] = random.choice(taken)
    elif isinstance(case.body, dict) and len(taken) < TAKEN:
        known = api.ask({"email": f"{uuid.uuid4()}@nowhere.example"})
        drawn = {name: value for name, value in case.body.items() if name in PROPERTIES}
        meant = ("subject_identities", "submitted_time", "extensions")
        case.body = drawn | {name: known[name] for name in meant} | {"status_callback_urls": []}


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_described_and_none_is_an_error_of_the_server(
    api: Api, answered: Answered, taken: list[str], case: schemathesis.Case
) -> None:
    if answered.total() % 2:
        as_a_controller(api, case, taken)
    case.headers.pop("Authorization", None)  # it is the signature's
    try:
        answer = case.call(base_url=api.url, auth=Signed(api.session), timeout=40)
    except requests.exceptions.InvalidHeader:
        reject()  # no client can send this: another takes its place

    answered[case.operation.label, answer.status_code] += 1
    if answer.status_code == 201 and case.method == "POST":
        taken.append(answer.json()["subject_request_id"])
    case.validate_response(answer, checks=[CHECKS.get_one(name) for name in ASKED])
