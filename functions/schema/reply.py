"""The one answer that CloudFormation waits for.

Only the standard library is imported here: when a layer is broken, this must still work.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from schema.request import Request

# Never another one: CloudFormation would take it for a replacement and send Delete for the old.
PHYSICAL_ID = "database-schema"

ATTEMPTS = 4
ATTEMPT_SECONDS = 5.0
PAUSE_SECONDS = 0.2  # before the second attempt; four times as long before each later one
LONGEST_REASON = 1_000  # characters; CloudFormation takes answers of up to 4,096 bytes


class Unanswered(Exception):
    """CloudFormation's bucket refused the answer or was out of reach; it waits for its timeout.

    Look at the S3 endpoint's policy: it must let the response bucket through.
    """


class Reply:
    """Answers a request once, whatever happens: the first answer counts, later ones are dropped.

    As a context manager it answers FAILED shortly before the function's time is up, from a thread
    of its own, because no statement and no connection attempt can be trusted to end in time; and
    when the block is left without an answer.
    """

    def __init__(self, request: Request, seconds: float) -> None:
        """`seconds` from now, nothing has been answered: the request has failed."""
        self._request = request
        self._taken = threading.Lock()
        self._alarm = threading.Timer(max(0.0, seconds), self._out_of_time)
        self._alarm.daemon = True
        self._obstacle = ""

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
        """`reason` is for everybody to read: what is wrong and what to do, and no secret."""
        self._send("FAILED", reason, {})

    def waits(self, reason: str) -> None:
        """What is waited for: the answer, if the time ends first. For everybody to read."""
        self._obstacle = reason

    def _out_of_time(self) -> None:
        self.failed(
            self._obstacle
            or "the database did not become reachable, or a migration did not end, within the "
            "function's time. See the function's log; when the database is up, deploy again"
        )

    def _send(self, status: str, reason: str, data: Mapping[str, str]) -> None:
        if not self._taken.acquire(blocking=False):
            return
        body = {
            "Status": status,
            "Reason": reason[:LONGEST_REASON],
            "PhysicalResourceId": PHYSICAL_ID,
            "StackId": self._request.stack_id,
            "RequestId": self._request.request_id,
            "LogicalResourceId": self._request.logical_id,
            "Data": dict(data),
        }
        _put(self._request.response_url, json.dumps(body).encode())


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
