"""Calls the room's functions as API Gateway, Step Functions and EventBridge do."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from privacy import answer, tend, work
from privacy import doors as entrance
from streamflix import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from tests.integration.local.laptop import Laptop
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


def machine(laptop: Laptop) -> str:
    """The ARN of a workflow that starts and waits."""
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


@contextmanager
def opened(flow: Flow, machine: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The functions' surroundings, and one caller on the list."""
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
