"""Signed calls of the API, with the credentials of whoever calls."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from account import guard
from account.names import stack_of
from account.refusal import Refusal

if TYPE_CHECKING:
    from account.guard import Account

SECONDS = 35


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True)
class Door:
    account: Account
    url: str

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Raises: `Refusal` when nobody answers."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        data = None if body is None else json.dumps(body).encode()
        headers = {} if data is None else {"Content-Type": "application/json"}
        asked = AWSRequest(method=method, url=self.url + path, data=data, headers=headers)
        credentials = self.account.session.get_credentials()
        SigV4Auth(credentials, "execute-api", guard.REGION).add_auth(asked)
        request = urllib.request.Request(  # noqa: S310  the address is the stack's own
            self.url + path, data=data, method=method, headers=dict(asked.headers)
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return Answer(answer.status, answer.read())
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, refusal.read())
        except OSError as error:
            host = urlsplit(self.url).netloc
            raise Refusal(f"The API at {host} does not answer: {type(error).__name__}.") from None

    def get(self, path: str) -> dict[str, Any]:
        """Raises: `Refusal` in the API's words unless it answers 200."""
        answer = self.call("GET", path)
        if answer.status != 200:
            raise Refusal(words(answer))
        return answer.content


def words(answer: Answer) -> str:
    """Why the API refuses: its own words, which quote nobody."""
    try:
        error = answer.content["error"]
    except (ValueError, KeyError, TypeError):
        return f"The API answered {answer.status}."
    if isinstance(error, str):  # the gateway's own
        return f"The API answered {answer.status} {error}: may this role call it (execute-api)?"
    told = "; ".join(each["message"] for each in error["errors"]) or error["message"]
    return f"The API answered {answer.status}: {told}."


def open_door(account: Account) -> Door:
    """The API of this environment. Raises: `Refusal` when nothing is deployed."""
    cloudformation = account.client("cloudformation")
    try:
        found = cloudformation.describe_stacks(StackName=stack_of(account.environment))
    except cloudformation.exceptions.ClientError:
        raise Refusal(
            f"There is no stack {stack_of(account.environment)}: make deploy comes first."
        ) from None
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found["Stacks"][0]["Outputs"]}
    url = outputs["APIGatewayURL"]
    guard.refuse_address(account.environment, "the API", url)
    return Door(account, url)
