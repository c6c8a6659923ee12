"""Clients of AWS give up before the function does."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, EndpointConnectionError

from streamflix import aws

if TYPE_CHECKING:
    import pytest


def test_a_client_has_limits_and_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")  # or boto3 asks the machine for its role
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    aws.client.cache_clear()

    client = aws.client("ssm")

    assert client is aws.client("ssm")
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 4)
    assert config.retries["total_max_attempts"] == 2
    aws.client.cache_clear()


def test_a_reason_is_a_code_and_never_the_message() -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "user anna"}}, "GetX")

    assert aws.reason(refused) == "AccessDenied"
    assert aws.reason(EndpointConnectionError(endpoint_url="x")) == "EndpointConnectionError"


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, streamflix.postgres, streamflix.redis, streamflix.secrets, "
        "streamflix.addresses, streamflix.settings, streamflix.metrics, streamflix.deadline\n"
        "print(*sorted({'boto3', 'botocore', 'redis', 'pydantic', 'aws_xray_sdk'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": "layers/core/python"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
