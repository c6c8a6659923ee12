"""Gap: a function runs with the server's environment and packages, and all its errors look alike.

Stock, every exception is a ``Runtime.HandlerError`` and ends the process, a function sees each
variable and package of the launcher, one byte that is no UTF-8 blocks its log for ever, and silence
costs 50 ms. Here `local.sandbox` runs in the process: the function's own variables, code, layers
and boto3, the exception's class as ``errorType``, a process that lives on after an exception.

Test: tests/contract/local/test_lambda_sandbox.py
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import queue
import re
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local import sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.core.lambda_runtime:Worker",
    "ministack.core.lambda_runtime:_detect_runtime_binary",
    "ministack.core.lambda_runtime:_worker_class_for",
    "ministack.core.lambda_runtime:acquire_worker",
    "ministack.core.lambda_runtime:kill_workers",
    "ministack.core.lambda_runtime:release_worker",
    "ministack.services.lambda_svc:_ensure_reaper_thread",
    "ministack.services.lambda_svc:_execute_function_warm",
    "ministack.services.lambda_svc:_xray_trace_id_for_invocation",
)
TYPES: tuple[str, ...] = ()

INIT_SECONDS = 30.0
"""How long a module may take to be imported; Lambda allows ten, a busy laptop is slower."""

LOG_SECONDS = 1.0
"""How long the last lines of a log may take after the answer."""

Result = dict[str, Any]


def install(cloud: Cloud) -> None:  # noqa: ARG001
    script = Path(sandbox.__file__).read_text()
    lambda_runtime._detect_runtime_binary = lambda _: (sys.executable, script)
    lambda_runtime._worker_class_for = lambda _: Sandbox
    lambda_svc._execute_function_warm = _executing(lambda_svc._execute_function_warm)


class Sandbox(lambda_runtime.Worker):  # type: ignore[misc]
    """One process of one function."""

    def _spawn(self) -> None:
        watchdog = threading.Timer(INIT_SECONDS, lambda: self._proc and self._proc.kill())
        watchdog.start()
        try:
            super()._spawn()
        finally:
            watchdog.cancel()

    def _read_stderr(self) -> None:
        self._proc.stderr.reconfigure(errors="backslashreplace")
        super()._read_stderr()

    def _drain_stderr_bounded(self, *_: float) -> str:
        """The log up to the sandbox's mark, or all of it when the sandbox died."""
        lines: list[str] = []
        deadline = time.monotonic() + LOG_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            if self._proc is None or self._proc.poll() is not None:
                self._stderr_thread.join(left)
                return "\n".join([*lines, self._drain_stderr()])
            try:
                line, mark, _ = self._stderr_queue.get(timeout=left).partition("\x1e")
            except queue.Empty:
                break
            if line or not mark:
                lines.append(line)
            if mark:
                break
        return "\n".join(lines)


def _executing(stock: Callable[..., Result]) -> Callable[..., Result]:
    @functools.wraps(stock)
    def execute(function: dict[str, Any], event: object, request_id: str) -> Result:
        config = function.get("config") or function
        code = function.get("code_zip")
        if not code or not config["Runtime"].startswith("python"):
            return stock(function, event, request_id)
        lambda_svc._ensure_reaper_thread()
        version = config.get("Version", "$LATEST")
        worker, _ = lambda_runtime.acquire_worker(config["FunctionName"], config, code, version)
        try:
            answer = worker.invoke(
                event,
                request_id,
                trace_id=lambda_svc._xray_trace_id_for_invocation(config),
                invoked_function_arn=config["FunctionArn"],
            )
            return _result(answer, request_id)
        except RuntimeError as refusal:
            log = worker._drain_stderr_bounded()
            lambda_runtime.kill_workers([worker])
            return {"body": _init_failure(str(refusal)), "error": True, "log": log}
        finally:
            lambda_runtime.release_worker(worker)

    return execute


def _result(answer: dict[str, Any], request_id: str) -> Result:
    log = answer.get("log", "")
    if answer["status"] == "ok":
        if "raised" in answer["result"]:
            return {"body": answer["result"]["raised"], "error": True, "log": log}
        return {"body": answer["result"]["returned"], "log": log}
    problem = answer["error"]
    if problem.startswith("Task timed out"):
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = {"errorType": "Sandbox.Timedout", "errorMessage": f"{now} {request_id} {problem}"}
    else:
        told = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
        body = {"errorType": "Runtime.ExitError", "errorMessage": told}
    return {"body": body, "error": True, "log": "\n".join([log, body["errorMessage"]])}


def _init_failure(problem: str) -> dict[str, Any]:
    """The sandbox's own account of a failed import; else it died or took too long."""
    found = re.search(r"Worker init failed: (\{.*\})$", problem, re.DOTALL)
    if not found:
        return {"errorType": "Runtime.ExitError", "errorMessage": "The module was not imported."}
    told: dict[str, Any] = json.loads(found[1])
    if told["errorType"] in ("ImportError", "ModuleNotFoundError"):
        told["errorType"] = "Runtime.ImportModuleError"
    elif told["errorType"] == "AttributeError":
        told["errorType"] = "Runtime.HandlerNotFound"
    return told
