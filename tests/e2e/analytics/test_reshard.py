"""A producer whose stream is split and merged under it, over the real endpoint."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

from analytics.aggregate import payloads
from streamflix.producer import Producer
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = 300
SESSIONS = 7


@pytest.fixture
def stream(aws: Any) -> Iterator[str]:
    """A stream of one shard that is this test's own."""
    kinesis, name = aws.client("kinesis"), f"streamflix-e2e-{secrets.token_hex(4)}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    active(kinesis, name)
    yield name
    kinesis.delete_stream(StreamName=name)


def active(kinesis: Any, name: str) -> None:
    eventually(
        lambda: kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"],
        15,
        lambda it: it["StreamStatus"] == "ACTIVE",
    )


def shards(kinesis: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kinesis.list_shards(StreamName=name)["Shards"]
    return found


def still_open(kinesis: Any, name: str) -> list[str]:
    return [
        each["ShardId"]
        for each in shards(kinesis, name)
        if "EndingSequenceNumber" not in each["SequenceNumberRange"]
    ]


def everything(kinesis: Any, name: str) -> list[bytes]:
    """Payloads of all shards, parents before their children."""
    found: list[bytes] = []
    for shard in sorted(shards(kinesis, name), key=lambda each: each["ShardId"]):
        at = kinesis.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while at:
            answer = kinesis.get_records(ShardIterator=at)
            for record in answer["Records"]:
                found += payloads(record["Data"]) or [record["Data"]]
            at = answer.get("NextShardIterator") if answer["Records"] else None
    return found


def test_nothing_is_lost_and_sessions_keep_their_order_while_shards_are_split_and_merged(
    aws: Any, stream: str
) -> None:
    kinesis = aws.client("kinesis")
    sent = [f"{number % SESSIONS} {number:04d}".encode() for number in range(EVENTS)]

    with Producer(stream, kinesis, salts=4, linger_seconds=0.0) as producer:
        for number, payload in enumerate(sent):
            if number == EVENTS // 3:
                [only] = still_open(kinesis, stream)
                kinesis.split_shard(
                    StreamName=stream, ShardToSplit=only, NewStartingHashKey=str(2**127)
                )
                active(kinesis, stream)
            if number == 2 * EVENTS // 3:
                one, other = still_open(kinesis, stream)
                kinesis.merge_shards(
                    StreamName=stream, ShardToMerge=one, AdjacentShardToMerge=other
                )
                active(kinesis, stream)
            producer.put("title", payload, session=str(number % SESSIONS))

    found = everything(kinesis, stream)
    assert producer.sent.moved > 0
    assert sorted(set(found)) == sorted(sent)
    assert len(found) == len(sent)
    for session in range(SESSIONS):
        start = f"{session} ".encode()
        assert [it for it in found if it.startswith(start)] == [
            it for it in sent if it.startswith(start)
        ]
