"""Calls the launcher's own MiniStack as the account's root, from any thread but the event loop's.

Clients come from botocore, with the launcher's fixed credentials and no configuration files.
"""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

import botocore.session
from botocore.config import Config

_lock = threading.Lock()


def client(service: str) -> Any:
    """A client of this service; made once, safe to share between threads."""
    with _lock:
        return _client(service)


@functools.cache
def _client(service: str) -> Any:
    session = botocore.session.Session()
    session.set_config_variable("config_file", os.devnull)
    session.set_config_variable("credentials_file", os.devnull)
    return session.create_client(
        service,
        region_name=os.environ["MINISTACK_REGION"],
        endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=120),
    )


def call(service: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call an operation with a template's values: "5" and "true" become what the API's model says.

    Members that the operation does not have are dropped.
    """
    caller = client(service)
    model = caller.meta.service_model.operation_model(operation)
    method = botocore.xform_name(operation)
    result: dict[str, Any] = getattr(caller, method)(**_typed(arguments, model.input_shape))
    return result


def _typed(value: Any, shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {
                key: _typed(value[key], shape.members[key]) for key in value if key in shape.members
            }
        case "list":
            return [_typed(each, shape.member) for each in value]
        case "map":
            return {key: _typed(each, shape.value) for key, each in value.items()}
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean":
            return value is True or value == "true"
        case _:
            return value
