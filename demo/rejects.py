"""Reads the rejects queue without emptying it: the pointers are on-call's evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from demo.producer import Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

HIDDEN_S: Final = 120  # no message is met twice while we read, and all return if we die
EMPTY_RECEIVES: Final = 3


@dataclass
class Pointers:
    """What the queue holds about one stream: the word that the consumer had for each spot."""

    messages: int = 0
    reasons: dict[Spot, str] = field(default_factory=dict)


def read(client: Any, queue_url: str, stream: str) -> Pointers:
    """Every pointer of the stream that is in the queue; all messages stay there."""
    found = Pointers()
    handles: dict[str, str] = {}
    try:
        for message in _receive(client, queue_url):
            handles[message["MessageId"]] = message["ReceiptHandle"]
            body = json.loads(message["Body"])
            if body["stream"] == stream:
                found.messages += 1
                for pointer in body["pointers"]:
                    spot = Spot(body["shard"], int(pointer["sequence"]), pointer["subsequence"])
                    found.reasons[spot] = pointer["reason"]
    finally:
        _hand_back(client, queue_url, list(handles.items()))
    return found


def _receive(client: Any, queue_url: str) -> Iterator[dict[str, Any]]:
    empty = 0
    while empty < EMPTY_RECEIVES:
        answer = client.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HIDDEN_S,
            WaitTimeSeconds=1,
        )
        messages = answer.get("Messages", [])
        empty = 0 if messages else empty + 1
        yield from messages


def _hand_back(client: Any, queue_url: str, handles: list[tuple[str, str]]) -> None:
    for start in range(0, len(handles), 10):
        entries = [
            {"Id": str(place), "ReceiptHandle": handle, "VisibilityTimeout": 0}
            for place, (_, handle) in enumerate(handles[start : start + 10])
        ]
        client.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)
