"""Calls of the API, signed as IAM wants it."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from tests.e2e.answer import answer_to

if TYPE_CHECKING:
    from tests.e2e.answer import Answer


def call(session: Any, method: str, url: str, body: Any = None) -> Answer:
    """As the session's caller, or unsigned without one. `body` becomes JSON unless it is bytes."""
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    asked = AWSRequest(method=method, url=url, data=data, headers=headers)
    if session is not None:
        SigV4Auth(session.get_credentials(), "execute-api", "eu-central-1").add_auth(asked)
    request = urllib.request.Request(url, data=data, method=method, headers=dict(asked.headers))
    return answer_to(request, within=35)
