"""Pointers reach the queue in messages that SQS accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError

from analytics.decode import Pointer
from analytics.envelope import Shard
from analytics.errors import RejectsUnreachable
from analytics.rejects import RejectsQueue

SHARD = Shard("streamflix-playback-test", "shardId-000000000000")
SEQUENCE = 49590338271490256608559692538361571095921575989136588898


class Queue:
    """Takes what SQS takes, and remembers it."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.calls = 0
        self.trouble = ""

    def send_message_batch(self, *, QueueUrl: str, Entries: Any) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        assert QueueUrl == "https://queue"
        assert 1 <= len(Entries) <= 10
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        assert sum(len(entry["MessageBody"]) for entry in Entries) <= 262_144
        if self.trouble == "down":
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessageBatch")
        if self.trouble == "partly":
            return {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}
        self.bodies += [json.loads(entry["MessageBody"]) for entry in Entries]
        return {"Successful": Entries}


def pointers(count: int) -> list[Pointer]:
    return [Pointer(SEQUENCE + n, n, "killed_the_consumer") for n in range(count)]


def test_a_message_says_where_and_why() -> None:
    queue = Queue()

    RejectsQueue("https://queue", queue).send(
        SHARD, [Pointer(SEQUENCE, None, "undecodable"), Pointer(SEQUENCE, 3, "invalid")]
    )

    assert queue.bodies == [
        {
            "stream": "streamflix-playback-test",
            "shard": "shardId-000000000000",
            "pointers": [
                {"sequence": str(SEQUENCE), "subsequence": None, "reason": "undecodable"},
                {"sequence": str(SEQUENCE), "subsequence": 3, "reason": "invalid"},
            ],
        }
    ]


@pytest.mark.parametrize("count", [0, 1, 500, 501, 2_500, 12_345])
def test_every_pointer_is_sent_once_and_at_most_500_in_a_message(count: int) -> None:
    queue = Queue()

    RejectsQueue("https://queue", queue).send(SHARD, pointers(count))

    sent = [int(p["sequence"]) for body in queue.bodies for p in body["pointers"]]
    assert sent == [pointer.sequence for pointer in pointers(count)]
    assert all(1 <= len(body["pointers"]) <= 500 for body in queue.bodies)


def test_ten_small_messages_share_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analytics.rejects.POINTERS_PER_MESSAGE", 1)
    queue = Queue()

    RejectsQueue("https://queue", queue).send(SHARD, pointers(11))

    assert (queue.calls, len(queue.bodies)) == (2, 11)


@pytest.mark.parametrize(
    ("trouble", "code"), [("down", "AccessDenied"), ("partly", "InternalError")]
)
def test_a_pointer_that_was_not_taken_is_an_error(trouble: str, code: str) -> None:
    queue = Queue()
    queue.trouble = trouble

    with pytest.raises(RejectsUnreachable, match=code):
        RejectsQueue("https://queue", queue).send(SHARD, pointers(1))


def test_a_queue_without_a_client_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> Any:
        raise NoRegionError

    monkeypatch.setattr("streamflix.aws.client", fail)
    with pytest.raises(RejectsUnreachable, match="NoRegionError"):
        RejectsQueue("https://queue").send(SHARD, pointers(1))
