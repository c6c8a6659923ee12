"""Who hears of a request: the ops bus, and the queue of calls to whoever asked for them.

Ids, names of states and numbers. What is told may be told again: who listens goes by `sequence`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from privacy.errors import QueueUnreachable
from streamflix import aws, bus

if TYPE_CHECKING:
    from privacy.record import Record

SOURCE = "streamflix.privacy"
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
            about = {"request": str(record.request), "state": record.state}
            bus.tell(self._bus, SOURCE, kind, about)
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
        about = {"request": str(record.request), "state": record.state, "error": error}
        bus.tell(self._bus, SOURCE, "RequestFailed", about)

    def _enqueue(self, message: dict[str, str | int]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            aws.client("sqs").send_message(
                QueueUrl=self._queue_url, MessageBody=json.dumps(message)
            )
        except (BotoCoreError, ClientError) as error:
            raise QueueUnreachable(aws.reason(error)) from None
