"""Who hears of a request: the ops bus, and the queue of calls to whoever asked for them.

Ids, names of states and numbers. What is told may be told again: who listens goes by `sequence`.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from privacy.errors import QueueUnreachable
from streamflix import aws

if TYPE_CHECKING:
    from privacy.record import Record

logger = logging.getLogger(__name__)

KINDS = {"received": "RequestReceived", "completed": "RequestCompleted"}


class Teller:
    def __init__(self, bus: str, queue_url: str) -> None:
        self._bus = bus
        self._queue_url = queue_url

    def moved(self, record: Record) -> None:
        """Tell the bus what it wants to hear of, and have every callback address called.

        Raises: `QueueUnreachable`: whoever asked to be called would never hear of it.
        """
        if kind := KINDS.get(record.state):
            self._tell(kind, {"request": str(record.request), "state": record.state})
        if record.state == "received":
            return  # the answer to the request has told
        for number in range(len(record.callback_urls)):
            self._enqueue(
                {
                    "request": str(record.request),
                    "status": record.status,
                    "sequence": record.version,
                    "callback": number,
                }
            )

    def failed(self, record: Record, error: str) -> None:
        self._tell(
            "RequestFailed",
            {"request": str(record.request), "state": record.state, "error": error},
        )

    def _tell(self, kind: str, detail: dict[str, str]) -> None:
        """A bus that is down must not stop an erasure: the ledger and the metrics tell as well."""
        from botocore.exceptions import BotoCoreError, ClientError

        entry = {
            "EventBusName": self._bus,
            "Source": "streamflix.privacy",
            "DetailType": kind,
            "Detail": json.dumps(detail),
        }
        try:
            answer = aws.client("events").put_events(Entries=[entry])
        except (BotoCoreError, ClientError) as error:
            logger.warning("%s was not told: %s", kind, aws.reason(error))
            return
        if answer["FailedEntryCount"]:
            logger.warning("%s was not told: %s", kind, answer["Entries"][0].get("ErrorCode"))

    def _enqueue(self, message: dict[str, str | int]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            aws.client("sqs").send_message(
                QueueUrl=self._queue_url, MessageBody=json.dumps(message)
            )
        except (BotoCoreError, ClientError) as error:
            raise QueueUnreachable(aws.reason(error)) from None
