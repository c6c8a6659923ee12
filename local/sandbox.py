"""Runs inside the process of a Lambda function: what Lambda's Python runtime does around a handler.

Read as text and started by MiniStack; imports nothing of ours. It reads one line of set-up from
stdin, then one line per invocation, and answers each with a line. The handler sees the variables
that Lambda would give it, its code, its layers and boto3: not this laptop's other packages.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec

KEPT = ("AWS_", "LAMBDA_", "_LAMBDA_", "_HANDLER")
RUNTIME_PACKAGES = {
    *("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3", "certifi"),
}
"""What AWS's Python runtime has beside the standard library."""


class RuntimePackages:
    """Finds the runtime's own packages in the environment that started us, and no others there."""

    def __init__(self, places: Sequence[str]) -> None:
        self._places = places

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: Any = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] not in RUNTIME_PACKAGES:
            return None
        return importlib.machinery.PathFinder.find_spec(name, path or self._places, target)


class Context:
    """The second argument of a handler."""

    identity = None
    client_context = None

    def __init__(self, setup: dict[str, Any], invocation: dict[str, Any]) -> None:
        environ = os.environ
        self._deadline = time.monotonic() + invocation["timeout_ms"] / 1000
        self.function_name = setup["function_name"]
        self.function_version = environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.invoked_function_arn = invocation["invoked_function_arn"]
        self.memory_limit_in_mb = str(setup["memory"])
        self.aws_request_id = invocation["request_id"]
        self.log_group_name = environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = environ["AWS_LAMBDA_LOG_STREAM_NAME"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def enter(setup: dict[str, Any]) -> None:
    """Take on the function's environment, and nothing of the process that started us."""
    given = {key: str(value) for key, value in setup["env"].items()}
    runtime = {key: value for key, value in os.environ.items() if key.startswith(KEPT)}
    layers = runtime.pop("_LAMBDA_LAYERS_DIRS", "")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    temporary = os.environ.get("TMPDIR", "/tmp")
    os.environ.clear()
    os.environ.update(
        {
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{setup['function_name']}",
            "HOME": str(Path(setup["code_dir"]).parent),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TMPDIR": temporary,
            "TZ": ":UTC",
        }
        | runtime
        | given
    )
    packages = [place for place in sys.path if place.endswith("site-packages")]
    sys.path[:] = [place for place in sys.path[1:] if place not in packages]
    sys.meta_path.append(RuntimePackages(packages))
    for layer in reversed(layers.split(os.pathsep) if layers else []):
        sys.path.insert(0, f"{layer}/python/lib/python{version}/site-packages")
        sys.path.insert(0, f"{layer}/python")
    sys.path.insert(0, setup["code_dir"])
    os.chdir(setup["code_dir"])


def failure(error: BaseException) -> dict[str, Any]:
    """An exception as Lambda returns it, and as it stands in the log: class, message, frames."""
    frames = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
    kind = type(error).__name__
    sys.stderr.write(
        f"[ERROR] {kind}: {error}\nTraceback (most recent call last):\n{''.join(frames)}"
    )
    return {"errorMessage": str(error), "errorType": kind, "stackTrace": frames}


def answer_to(handler: Callable[..., Any], event: Any, context: Context) -> dict[str, Any]:
    """What one invocation comes to: ``{"returned": text}`` or ``{"raised": failure}``."""
    try:
        result = handler(event, context)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises
        return {"raised": failure(error)}
    try:
        return {"returned": json.loads(json.dumps(result))}
    except (TypeError, ValueError) as error:
        told = f"Unable to marshal response: {error}"
        return {"raised": {"errorMessage": told, "errorType": "Runtime.MarshalError"}}


def main() -> None:
    """Serve until stdin ends. What anybody prints goes to the log, whichever way it is printed."""
    wire = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(**message: Any) -> None:
        wire.write(json.dumps(message) + "\n")
        wire.flush()

    setup = json.loads(sys.stdin.readline())
    enter(setup)
    try:
        handler = getattr(importlib.import_module(setup["module"]), setup["handler"])
    except BaseException as error:  # noqa: BLE001 - an import may even exit
        say(status="error", error=json.dumps(failure(error)))
        return
    say(status="ready")
    for line in sys.stdin:
        message = json.loads(line)
        invocation = message["ctx"]
        if invocation.get("trace_id"):
            os.environ["_X_AMZN_TRACE_ID"] = invocation["trace_id"]
        answer = answer_to(handler, message["event"], Context(setup, invocation))
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(2, f"\x1e{invocation['request_id']}\n".encode())
        say(status="ok", result=answer)


if __name__ == "__main__":
    main()
