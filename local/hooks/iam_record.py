"""Gap: MiniStack enforces IAM but keeps no record of what was asked.

Each decision becomes a line of ``<home>/iam.jsonl``, with everything that the evaluator saw, so
that `local.iam_replay` can decide again with a statement taken away. Lines are written by a thread
of their own, at most a second late.

Test: tests/contract/local/test_iam_record.py
"""

from __future__ import annotations

import atexit
import contextvars
import functools
import json
import queue
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id

from local import authorization

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.app:pin_signed_request",
    "ministack.core.iam_evaluator:AuthError",
    "ministack.core.iam_evaluator:EvalContext",
    "ministack.core.iam_evaluator:_POLICY_REQUIRED",
    "ministack.core.iam_evaluator:_gather_role_policies",
    "ministack.core.iam_evaluator:_permissions_boundary",
    "ministack.core.iam_evaluator:_resource_policy",
    "ministack.core.iam_evaluator:combine_resource_policy",
    "ministack.core.iam_evaluator:enforce",
    "ministack.core.iam_evaluator:evaluate",
)
TYPES: tuple[str, ...] = ()

FLUSH_SECONDS = 0.5

_user_agent = contextvars.ContextVar("streamflix_user_agent", default="")
_seen: contextvars.ContextVar[list[Any] | None] = contextvars.ContextVar(
    "streamflix_seen", default=None
)


def install(cloud: Cloud) -> None:
    recorder = Recorder(cloud.instance.home / "iam.jsonl")
    app.pin_signed_request = _noting_the_user_agent(app.pin_signed_request)
    iam_evaluator.evaluate = _noting_the_context(iam_evaluator.evaluate)
    iam_evaluator.enforce = _recording(iam_evaluator.enforce, recorder)
    authorization.LISTENERS.append(recorder.note)


class Recorder:
    """Appends to one file, from a thread of its own."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._end = threading.Event()
        self._writer = threading.Thread(target=self._write, name="iam-record", daemon=True)
        self._writer.start()
        atexit.register(self.close)

    def note(self, asked: Any, allowed: bool) -> None:
        """Queue one decision; `asked` is the evaluator's context."""
        context = asdict(asked)
        self._lines.put(
            {
                "principal": context.pop("principal_arn"),
                "action": context.pop("action"),
                "resource": context.pop("resource_arn"),
                "allowed": allowed,
                "user_agent": _user_agent.get(),
                "context": context,
            }
        )

    def close(self) -> None:
        """Write what is still queued."""
        self._end.set()
        self._writer.join(timeout=5)

    def _write(self) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            ended = False
            while not ended:
                ended = self._end.wait(FLUSH_SECONDS)
                while not self._lines.empty():
                    file.write(json.dumps(self._lines.get(), default=str) + "\n")
                file.flush()


def _noting_the_user_agent(pin: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(pin)
    def noting(method: str, path: str, query: Any, headers: Any, **kwargs: Any) -> None:
        agents = (value for name, value in headers if name.lower() == b"user-agent")
        _user_agent.set(next(agents, b"").decode("latin-1"))
        pin(method, path, query, headers, **kwargs)

    return noting


def _noting_the_context(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(evaluate)
    def noting(asked: Any, *policies: Any) -> Any:
        seen = _seen.get()
        if seen is not None:
            seen.append(asked)
        return evaluate(asked, *policies)

    return noting


def _recording(enforce: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
    @functools.wraps(enforce)
    def recording(
        key: str, action: str, service: str, region: str, resource_arn: str = "*", **more: Any
    ) -> Any:
        seen: list[Any] = []
        token = _seen.set(seen)
        try:
            refused = enforce(key, action, service, region, resource_arn, **more)
        finally:
            _seen.reset(token)
        if not isinstance(refused, iam_evaluator.AuthError):
            # Identity policies are asked first; none are asked about root and what all may do.
            asked = seen[0] if seen else _unasked(action, region, resource_arn, **more)
            recorder.note(asked, allowed=refused is None)
        return refused

    return recording


def _unasked(action: str, region: str, resource_arn: str, service_context: Any = None) -> Any:
    caller = iam_evaluator.caller_arn()
    return iam_evaluator.EvalContext(
        principal_arn=caller,
        principal_type="Root" if caller.endswith(":root") else "AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource_arn,
        region=region,
        service_context=service_context or {},
    )
