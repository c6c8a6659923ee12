"""Clients of AWS, made at first use with limits of our own.

botocore's defaults (60 seconds to connect, 60 to read, 5 attempts) outlive a function's timeout.
"""

from __future__ import annotations

from functools import cache
from typing import Any

CONNECT_SECONDS = 2
READ_SECONDS = 4
ATTEMPTS = 2


@cache
def client(service: str) -> Any:
    """The process's client of a service; whoever needs another one passes it as an argument."""
    # boto3's clients are these. What it imports beside takes a quarter of a function's start.
    from botocore.config import Config
    from botocore.session import get_session

    session = get_session()
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session.create_client(
        service,
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        ),
    )


@cache
def _loader(data_path: str | None) -> Any:
    """What reads botocore's descriptions of AWS, and remembers them. Sessions are not shared: they
    remember credentials as well."""
    from botocore.loaders import create_loader

    return create_loader(data_path)


def reason(error: Exception) -> str:
    """AWS's code for a failed call, or the class of an error that never reached AWS.

    Never the message: it may quote what was sent.
    """
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def refusal(error: Exception) -> str:
    """As `reason`, after the name of the call: for whoever makes many different ones."""
    called = getattr(error, "operation_name", "")
    return f"{called}: {reason(error)}" if called else reason(error)
