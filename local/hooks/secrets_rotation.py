"""Gap: RotateSecret copies the value and promotes it at once, and no function is ever called.

Here it begins with an empty version labelled AWSPENDING, and the rotation function does the rest in
four invocations; see `local.rotation` for what happens when one fails. Without `RotateImmediately`
testSecret alone is invoked, and the call fails with it. What is due is started within a second, by
a clock that is as many seconds ahead as the file ``<home>/secrets-clock`` says.

Not emulated: rotation windows, hosted and managed rotation, and whether the caller may invoke the
function.

Test: tests/contract/local/test_secrets_rotation.py
"""

from __future__ import annotations

import asyncio
import functools
import json
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import secretsmanager

from local import rotations
from local.rotation_schedule import Clock
from local.rotations import Refused, Rotations

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

    Record = dict[str, Any]
    Answer = tuple[int, dict[str, str], bytes]
    Action = Callable[[Record], Record]

PATCHES: tuple[str, ...] = (
    *rotations.PATCHES,
    "ministack.services.secretsmanager:_describe_secret",
    "ministack.services.secretsmanager:_resolve",
    "ministack.services.secretsmanager:handle_request",
)
TYPES: tuple[str, ...] = ()

CLOCK = "secrets-clock"
TICK_SECONDS = 1.0


def install(cloud: Cloud) -> None:
    ours = Rotations(Clock(cloud.instance.home / CLOCK))
    actions: dict[str, Action] = {
        "RotateSecret": ours.rotate,
        "CancelRotateSecret": rotations.cancel,
    }
    secretsmanager.handle_request = _also(secretsmanager.handle_request, actions)
    secretsmanager._describe_secret = _telling_dates(secretsmanager._describe_secret)
    end = threading.Event()
    cloud.at_exit.callback(end.set)
    threading.Thread(target=_watch, args=(ours, end), daemon=True).start()


def _watch(ours: Rotations, end: threading.Event) -> None:
    while not end.wait(TICK_SECONDS):
        ours.start_what_is_due()


def _also(stock: Callable[..., Any], actions: dict[str, Action]) -> Callable[..., Any]:
    """Handle these actions on a thread, because they wait for functions."""

    @functools.wraps(stock)
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Record
    ) -> Answer:
        action = actions.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if action is None:
            stock_answer: Answer = await stock(method, path, headers, body, query)
            return stock_answer
        answer: Answer
        try:
            answer = json_response(await asyncio.to_thread(action, json.loads(body)))
        except Refused as refusal:
            answer = error_response_json(refusal.code, str(refusal), HTTPStatus.BAD_REQUEST)
        return answer

    return handle


def _telling_dates(stock: Callable[[Record], Answer]) -> Callable[[Record], Answer]:
    @functools.wraps(stock)
    def describe(request: Record) -> Answer:
        answer = stock(request)
        _, secret = secretsmanager._resolve(request.get("SecretId"))
        if answer[0] != HTTPStatus.OK:
            return answer
        told: Answer = json_response(json.loads(answer[2]) | rotations.dates(secret))
        return told

    return describe
