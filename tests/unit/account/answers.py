"""An account that answers as it is told, behind boto3's real clients.

What is asked and what is answered is held against AWS's own models of the services, so that a test
cannot invent a parameter or a field. It remembers every call. What nobody told is a failure.
"""

from __future__ import annotations

import copy
import functools
import inspect
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.validate import validate_parameters

from account import guard


class Refused(Exception):
    """What AWS would refuse with."""

    def __init__(self, code: str, message: str = "refused by the test", **more: Any) -> None:
        super().__init__(code)
        self.more = more
        self.error = {"Code": code, "Message": message}


@dataclass
class Answers:
    """`answers["rds.describe_db_clusters"] = {...}`; a function is called with the parameters."""

    told: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __setitem__(self, operation: str, answer: Any) -> None:
        self.told[operation] = answer

    def called(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of every call of an operation."""
        return [parameters for name, parameters in self.calls if name == operation]

    def account(self, environment: str = "dev") -> guard.Account:
        address = "http://127.0.0.1:1" if environment == "local" else ""
        return guard.Account(environment, "123456789012", _Session(self, address))

    def answer(self, operation: str, parameters: dict[str, Any]) -> Any:
        self.calls.append((operation, parameters))
        assert operation in self.told, f"{operation} was asked and nobody told the answer"
        found = self.told[operation]
        if callable(found):
            found = found(**parameters) if inspect.signature(found).parameters else found()
        if isinstance(found, Refused):
            raise found
        return copy.deepcopy(found)


class _Session:
    """What `guard.Account` wants of a boto3 session."""

    def __init__(self, answers: Answers, address: str) -> None:
        self._answers, self._address = answers, address

    def client(self, service: str, region_name: str) -> Any:
        client, ear = _client(service, region_name, self._address)
        ear.answers = self._answers
        return client


@dataclass
class _Ear:
    """Whom a client asks at the moment: making one takes longer than most tests."""

    answers: Answers = field(default_factory=Answers)
    asked: dict[str, Any] = field(default_factory=dict)


@functools.cache
def _client(service: str, region: str, address: str) -> tuple[Any, _Ear]:
    ear = _Ear()
    session = boto3.session.Session(
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="somebodys-own"
    )
    client = session.client(service, region_name=region, endpoint_url=address or None)

    def remember(params: dict[str, Any], **_: Any) -> None:
        ear.asked = copy.deepcopy(params)

    def reply(model: Any, **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        name = f"{service}.{xform_name(model.name)}"
        try:
            parsed = ear.answers.answer(name, ear.asked)
        except Refused as refused:
            meta = {"HTTPStatusCode": 400}
            return _reply_of(400), {
                "Error": refused.error,
                "ResponseMetadata": meta,
                **refused.more,
            }
        if model.output_shape is not None:
            validate_parameters(parsed, model.output_shape)
        return _reply_of(200), {**parsed, "ResponseMetadata": {}}

    client.meta.events.register("provide-client-params.*.*", remember)
    client.meta.events.register("before-call.*.*", reply)
    return client, ear


def _reply_of(status: int) -> AWSResponse:
    return AWSResponse("", status, {}, None)


@dataclass
class Paper:
    """A view that remembers what it was told to show."""

    lines: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.lines.append(line)

    def table(self, title: str, head: Any, rows: Any) -> None:
        self.lines += [title, *(" | ".join(row) for row in rows)]

    def progress(self, line: str) -> None:
        """Fleeting; not kept."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)
