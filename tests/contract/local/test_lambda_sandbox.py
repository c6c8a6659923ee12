"""A function runs as on Lambda: its own environment, its errors by name, a life after death."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.contract.local.conftest import LOGS, allow

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

CODE = """
import importlib.util, json, os, sys, time

PACKAGES = ("boto3", "psycopg2", "ministack")
calls = 0

class OutOfTune(Exception): pass

def handler(event, context):
    global calls
    calls += 1
    match event:
        case "raise": raise OutOfTune("flat")
        case "exit": os._exit(3)
        case "hang": time.sleep(60)
        case "bytes": os.write(1, b"\\xff\\xfe on stdout\\n"); os.write(2, b"\\xff on stderr\\n")
        case "unmarshallable": return {1, 2}
        case "packages": return [name for name in PACKAGES if importlib.util.find_spec(name)]
        case "environment": return sorted(os.environ)
        case "identity": return __import__("boto3").client("sts").get_caller_identity()["Arn"]
        case "context":
            return [context.function_name, context.get_remaining_time_in_millis() <= 3000]
    return calls
"""

GIVEN = {
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_EXECUTION_ENV"),
    *("AWS_DISABLE_HOST_PREFIX_INJECTION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_LOG_GROUP_NAME"),
    *("AWS_LAMBDA_LOG_STREAM_NAME", "HOME", "LAMBDA_TASK_ROOT", "LANG", "PATH", "TMPDIR", "TZ"),
    *("_LAMBDA_FUNCTION_ARN", "_LAMBDA_TIMEOUT", "OWN"),
}


def test_a_function_lives_as_on_lambda(cloud: Cloud) -> None:
    role = cloud.role("sandbox", LOGS, allow("sts:GetCallerIdentity", "*"))
    own = {"Variables": {"OWN": "1"}}
    cloud.function("sandbox", CODE, role, Environment=own, Timeout=3)

    def ask(event: str) -> object:
        error, answer = cloud.invoke("sandbox", event)
        assert error is None, answer
        return answer

    def fail(event: str) -> tuple[str, str]:
        error, answer = cloud.invoke("sandbox", event)
        assert error
        return answer["errorType"], answer["errorMessage"]

    assert ask("count") == 1
    assert fail("raise") == ("OutOfTune", "flat")
    assert ask("count") == 3  # an exception does not end the process
    assert fail("unmarshallable")[0] == "Runtime.MarshalError"
    assert ask("bytes") == 5
    assert fail("exit")[0] == "Runtime.ExitError"
    assert ask("count") == 1  # a fresh sandbox
    assert ask("packages") == ["boto3"]
    assert set(ask("environment")) == GIVEN  # type: ignore[call-overload]
    assert ask("identity") == "arn:aws:sts::000000000000:assumed-role/sandbox/sandbox"
    assert ask("context") == ["sandbox", True]

    log = "\n".join(cloud.log_of("/aws/lambda/sandbox"))
    assert "[ERROR] OutOfTune: flat" in log
    assert "on stdout" in log
    assert "on stderr" in log


def test_silence_costs_nothing(cloud: Cloud) -> None:
    cloud.function("silent", "def handler(event, context): pass")
    cloud.invoke("silent")

    began = time.monotonic()
    for _ in range(10):
        cloud.invoke("silent")

    assert time.monotonic() - began < 0.45  # stock waits 50 ms each time for a log that never comes


def test_a_function_that_takes_too_long_or_cannot_be_imported_says_so(cloud: Cloud) -> None:
    cloud.function("slow", CODE, Timeout=1)
    error, answer = cloud.invoke("slow", "hang")
    assert (error, answer["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert answer["errorMessage"].endswith("Task timed out after 1.00 seconds")

    cloud.function("unimportable", "import not_a_module")
    _, answer = cloud.invoke("unimportable")
    assert answer["errorType"] == "Runtime.ImportModuleError"
    assert "not_a_module" in answer["errorMessage"]
