"""The producer over boto3, against a stream that is not of our making."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from analytics import aggregate
from streamflix import aws
from streamflix.errors import ShardsUnknown
from streamflix.producer import Producer

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAM = "playback"


@pytest.fixture
def kinesis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    aws.client.cache_clear()
    with mock_aws():
        client: Any = boto3.client("kinesis")
        client.create_stream(StreamName=STREAM, ShardCount=4)
        yield client
    aws.client.cache_clear()


def read(kinesis: Any, shard: str) -> list[bytes]:
    """The payloads of a shard, as the consumer takes them out of its records."""
    iterator = kinesis.get_shard_iterator(
        StreamName=STREAM, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator)["Records"]
    return [each for record in records for each in aggregate.payloads(record["Data"]) or []]


def shards(kinesis: Any) -> list[str]:
    return [shard["ShardId"] for shard in kinesis.list_shards(StreamName=STREAM)["Shards"]]


def test_events_are_read_back_in_order_from_every_shard(kinesis: Any) -> None:
    with Producer(STREAM) as producer:
        for number in range(1_000):
            payload = str(number).encode().ljust(300)
            producer.put(f"title-{number % 5}", payload, f"session-{number % 9}")

    found = {shard: [int(each) for each in read(kinesis, shard)] for shard in shards(kinesis)}
    assert sorted(number for each in found.values() for number in each) == list(range(1_000))
    for each in found.values():
        assert each
        assert each == sorted(each)
    assert producer.sent.records > len(found)
    assert (producer.sent.moved, producer.sent.refused, producer.sent.failed_calls) == (0, 0, 0)


def test_a_stream_that_is_not_there_has_no_shards(kinesis: Any) -> None:
    with pytest.raises(ShardsUnknown, match="ListShards: ResourceNotFoundException"):
        Producer("nowhere").put("title", b"")
