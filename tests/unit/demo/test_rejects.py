"""The rejects queue is read to its end and left as it was."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from demo.producer import Spot
from demo.rejects import read


@dataclass
class Queue:
    """A standard queue with a visibility timeout, as far as a reader can tell."""

    bodies: list[dict[str, Any]]
    hidden: set[int] = field(default_factory=set)

    def receive_message(self, **how: Any) -> dict[str, Any]:
        visible = [n for n in range(len(self.bodies)) if n not in self.hidden]
        taken = visible[: how["MaxNumberOfMessages"]]
        self.hidden.update(taken)
        messages = [
            {"MessageId": str(n), "ReceiptHandle": f"r{n}", "Body": json.dumps(self.bodies[n])}
            for n in taken
        ]
        return {"Messages": messages} if messages else {}

    def change_message_visibility_batch(self, **how: Any) -> dict[str, Any]:
        assert len(how["Entries"]) <= 10
        for entry in how["Entries"]:
            assert entry["VisibilityTimeout"] == 0
            self.hidden.discard(int(entry["ReceiptHandle"][1:]))
        return {}


def message(stream: str, sequence: int) -> dict[str, Any]:
    pointer = {"sequence": f"{sequence:030d}", "subsequence": None, "reason": "invalid"}
    return {"stream": stream, "shard": "s", "pointers": [pointer]}


def test_every_pointer_of_the_stream_is_found() -> None:
    queue = Queue([message("playback", n) for n in range(25)] + [message("another", 99)])

    found = read(queue, "url", "playback")

    assert found.reasons == {Spot("s", n, None): "invalid" for n in range(25)}
    assert found.messages == 25


def test_all_messages_can_be_received_again_at_once() -> None:
    queue = Queue([message("playback", n) for n in range(25)])

    read(queue, "url", "playback")

    assert not queue.hidden
    assert len(queue.bodies) == 25
