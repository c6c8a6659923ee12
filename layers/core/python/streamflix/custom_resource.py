"""Custom resources: whatever happens, CloudFormation is answered once, with a reason that helps.

Only the standard library and errors are imported here: when the vendor layer is broken or missing,
this must still work. A room imports what needs that layer where it is used.
"""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
import traceback
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from streamflix.errors import Permanent, Retryable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from streamflix.deadline import Context

logger = logging.getLogger(__name__)

# Share of the function's time that is kept for the answer.
ANSWER_AT = 0.1

ATTEMPTS = 4
ATTEMPT_SECONDS = 5.0
PAUSE_SECONDS = 0.2  # before the second attempt; four times as long before each later one
LONGEST_REASON = 1_000  # characters; CloudFormation takes answers of up to 4,096 bytes

END_SECONDS = 30.0  # a Delete is answered by then, whatever is still being taken away

# Ends the physical id of what was never made, which CloudFormation nevertheless deletes.
UNMADE = "-unmade"


class BadRequest(Exception):
    """This is no request that CloudFormation sends, and nobody waits for an answer to it."""


class Unanswered(Exception):
    """CloudFormation's bucket refused the answer or was out of reach; it waits for its timeout.

    Look at the S3 endpoint's policy: it must let the response bucket through.
    """


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Who can read the response URL can answer in our name: it stays out of logs."""

    kind: str
    stack_id: str
    request_id: str
    logical_id: str
    properties: Mapping[str, Any]
    response_url: str = field(repr=False)
    physical_id: str = ""

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        """Only what an answer needs is needed; a wrong property is answered, not refused here.

        Raises: `BadRequest` when nobody could be answered.
        """
        missing = [
            name
            for name in ("RequestType", "StackId", "RequestId", "LogicalResourceId", "ResponseURL")
            if not isinstance(event.get(name), str)
        ]
        if missing:
            raise BadRequest(f"the event lacks {', '.join(missing)}")
        if not event["ResponseURL"].startswith(("https://", "http://")):
            raise BadRequest("ResponseURL is no web address")
        return cls(
            kind=event["RequestType"],
            stack_id=event["StackId"],
            request_id=event["RequestId"],
            logical_id=event["LogicalResourceId"],
            properties=event.get("ResourceProperties") or {},
            response_url=event["ResponseURL"],
            physical_id=str(event.get("PhysicalResourceId") or ""),
        )

    def text(self, name: str) -> str:
        """A property as text; empty when it is absent."""
        return str(self.properties.get(name, ""))


class Reply:
    """Answers a request once, whatever happens: the first answer counts, later ones are dropped.

    As a context manager it answers FAILED shortly before the function's time is up, from a thread
    of its own, because no statement and no connection attempt can be trusted to end in time; and
    when the block is left without an answer.
    """

    def __init__(
        self, request: Request, *, physical_id: str, seconds: float, out_of_time: str
    ) -> None:
        """`seconds` from now, nothing has been answered: the request has failed, with the reason
        `out_of_time` unless `waits` was told a better one.

        `physical_id` is one for ever: CloudFormation would take another one for a replacement and
        send Delete for the old. A create that failed has another: its Delete is not that of a
        resource of the same kind that stands elsewhere.
        """
        self._request = request
        self._physical_id = physical_id
        self._taken = threading.Lock()
        self._alarm = threading.Timer(max(0.0, seconds), self._out_of_time)
        self._alarm.daemon = True
        self._obstacle = out_of_time

    def __enter__(self) -> Self:
        self._alarm.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.failed(f"{kind.__name__} ended the function; its log says where. Deploy again")
        self._alarm.cancel()
        self._alarm.join()  # it may be answering: Lambda freezes what still runs after a return

    def succeeded(self, data: Mapping[str, str]) -> None:
        self._send("SUCCESS", "", data)

    def failed(self, reason: str) -> None:
        """`reason` is for everybody to read and logged: what is wrong, what to do, and no secret.

        A Delete succeeds all the same, because one that fails holds its whole stack.
        """
        if self._request.kind == "Delete":
            logger.error("left behind: %s", reason)
            self.succeeded({})
        else:
            logger.error("refused: %s", reason)
            self._send("FAILED", reason, {})

    def waits(self, error: Exception) -> None:
        """What is waited for: the answer, if the time ends first."""
        self._obstacle = explain(error)

    def _out_of_time(self) -> None:
        self.failed(self._obstacle)

    def _send(self, status: str, reason: str, data: Mapping[str, str]) -> None:
        if not self._taken.acquire(blocking=False):
            return
        body = {
            "Status": status,
            "Reason": reason[:LONGEST_REASON],
            "PhysicalResourceId": self._name(status),
            "StackId": self._request.stack_id,
            "RequestId": self._request.request_id,
            "LogicalResourceId": self._request.logical_id,
            "Data": dict(data),
        }
        _put(self._request.response_url, json.dumps(body).encode())

    def _name(self, status: str) -> str:
        match self._request.kind, status:
            case "Create", "FAILED":
                return self._physical_id + UNMADE
            case "Delete", _:
                return self._request.physical_id or self._physical_id
            case _:
                return self._physical_id


def serve(
    event: Mapping[str, Any],
    context: Context,
    act: Callable[[Request, Context, Reply], Mapping[str, str]],
    *,
    physical_id: str,
    out_of_time: str,
    at_end: Callable[[], None] | None = None,
) -> None:
    """Answer one request with what `act` returns, which `Fn::GetAtt` may then read, or with why
    not.

    Delete always succeeds, soon, and mostly does nothing: what our resources did goes with what
    they did it to. What would stay, `at_end` takes away: when the resource goes, not when one goes
    that was never made. What it raises is logged.
    Raises: `BadRequest` when there is nobody to answer; `Unanswered` when the answer did not get
    through (Lambda then calls again).
    """
    request = Request.from_event(event)
    seconds = context.get_remaining_time_in_millis() / 1000 * (1 - ANSWER_AT)
    if request.kind == "Delete":
        seconds = min(seconds, END_SECONDS)
    with Reply(request, physical_id=physical_id, seconds=seconds, out_of_time=out_of_time) as reply:
        try:
            data: Mapping[str, str] = {}
            if request.kind != "Delete":
                data = act(request, context, reply)
            elif at_end and request.physical_id == physical_id:
                at_end()
        except Exception as error:  # noqa: BLE001  a silent function holds a stack until it gives up
            reply.failed(explain(error))
        else:
            reply.succeeded(data)


def explain(error: Exception) -> str:
    """What is wrong and what to do. An error that is not of our vocabulary may quote anything, so
    only its name and place are told."""
    name = type(error).__name__
    if isinstance(error, Permanent | Retryable):
        advice = " ".join((type(error).__doc__ or "").split())
        return f"{name}: {error}. {advice}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
    return (
        f"{name} at {place}: a fault of the function, not of what it looks after. "
        "Nothing is half done; correct the function and deploy again."
    )


def _put(url: str, body: bytes) -> None:
    # The address is signed for an empty content type; urllib would put one of its own.
    put = urllib.request.Request(url, body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(put, timeout=ATTEMPT_SECONDS):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            why = f"HTTP {error.code}"
            error.close()
        except (OSError, http.client.HTTPException) as error:
            why = type(error).__name__
        if attempt < ATTEMPTS:
            time.sleep(PAUSE_SECONDS * 4 ** (attempt - 1))
    raise Unanswered(f"no answer reached CloudFormation after {ATTEMPTS} attempts: {why}")
