"""A stream keeps its records through resharding, and a template changes it in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


def put(cloud: Cloud, stream: str, *texts: str) -> list[str]:
    records = [{"Data": text.encode(), "PartitionKey": text} for text in texts]
    answer = cloud.client("kinesis").put_records(StreamName=stream, Records=records)
    return [each["SequenceNumber"] for each in answer["Records"]]


def shards(cloud: Cloud, stream: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.client("kinesis").list_shards(StreamName=stream)["Shards"]
    return found


def is_open(shard: dict[str, Any]) -> bool:
    return "EndingSequenceNumber" not in shard["SequenceNumberRange"]


def content(cloud: Cloud, stream: str, shard: str) -> set[str]:
    kinesis = cloud.client("kinesis")
    iterator = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return {
        each["Data"].decode() for each in kinesis.get_records(ShardIterator=iterator)["Records"]
    }


def test_sequence_numbers_are_as_long_as_awss_and_only_grow(cloud: Cloud) -> None:
    cloud.client("kinesis").create_stream(StreamName="numbers", ShardCount=1)

    numbers = put(cloud, "numbers", *"abc") + put(cloud, "numbers", *"def")

    assert {len(number) for number in numbers} == {56}
    assert sorted(numbers, key=int) == numbers
    assert len(set(numbers)) == 6


def test_a_split_keeps_the_parent_and_its_records(cloud: Cloud) -> None:
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName="split", ShardCount=1)
    put(cloud, "split", "before")

    kinesis.split_shard(
        StreamName="split", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
    )
    put(cloud, "split", *"abcdefgh")

    parent, *children = shards(cloud, "split")
    assert not is_open(parent)
    assert [child["ParentShardId"] for child in children] == [parent["ShardId"]] * 2
    assert content(cloud, "split", parent["ShardId"]) == {"before"}
    after = [content(cloud, "split", child["ShardId"]) for child in children]
    assert set.union(*after) == set("abcdefgh")
    assert all(after)


def test_a_templates_stream_is_encrypted_and_resharded_in_place(cloud: Cloud) -> None:
    key = cloud.key()

    def deploy(count: int) -> str:
        properties = {
            "Name": "templated",
            "ShardCount": count,
            "StreamEncryption": {"EncryptionType": "KMS", "KeyId": key},
        }
        stream = {"Type": "AWS::Kinesis::Stream", "Properties": properties}
        return str(cloud.deploy("templated", {"Stream": stream})["StackStatus"])

    assert deploy(2) == "CREATE_COMPLETE"
    put(cloud, "templated", *"abcd")
    assert deploy(3) == "UPDATE_COMPLETE"

    summary = cloud.client("kinesis").describe_stream(StreamName="templated")["StreamDescription"]
    assert (summary["EncryptionType"], summary["KeyId"]) == ("KMS", key)
    found = shards(cloud, "templated")
    assert [is_open(shard) for shard in found] == [False, False, True, True, True]
    old = [content(cloud, "templated", shard["ShardId"]) for shard in found[:2]]
    assert set.union(*old) == set("abcd")
    cloud.delete("templated")
