"""Which shard of a stream a partition key leads to."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final, Protocol

from streamflix import aws
from streamflix.errors import ShardsUnknown
from streamflix.kpl import hash_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LAST_HASH: Final = 2**128 - 1


class KinesisClient(Protocol):
    """The part of boto3's `kinesis` client that a producer uses."""

    def list_shards(self, **asked: Any) -> Mapping[str, Any]: ...

    def put_records(self, **asked: Any) -> Mapping[str, Any]: ...


class Shards:
    """The open shards of a stream in the order of their hash keys. Together they take every key."""

    def __init__(self, described: Iterable[Mapping[str, Any]]) -> None:
        """From what ListShards says, closed shards included.

        Raises: `ShardsUnknown`, while a reshard goes on and the open ones leave a gap or overlap.
        """
        ranges = sorted(
            (int(hashes["StartingHashKey"]), int(hashes["EndingHashKey"]), shard["ShardId"])
            for shard in described
            if "EndingSequenceNumber" not in shard["SequenceNumberRange"]
            for hashes in (shard["HashKeyRange"],)
        )
        expected = 0
        for start, end, _ in ranges:
            if start != expected:
                raise ShardsUnknown("the open shards leave a gap or overlap")
            expected = end + 1  # ranges include both their ends
        if expected != LAST_HASH + 1:
            raise ShardsUnknown("the open shards leave a gap or overlap")
        self._starts = [start for start, _, _ in ranges]
        self.names = [name for _, _, name in ranges]

    @classmethod
    def of(cls, client: KinesisClient, stream: str) -> Shards:
        """Raises: `ShardsUnknown`."""
        return cls(_described(client, stream))

    def place(self, key: str) -> int:
        """The index in `names` of the shard that takes records of this partition key."""
        return bisect_right(self._starts, hash_of(key)) - 1


def _described(client: KinesisClient, stream: str) -> Iterator[Mapping[str, Any]]:
    from botocore.exceptions import BotoCoreError, ClientError

    page: dict[str, str] = {}
    while True:
        try:
            answer = client.list_shards(StreamName=stream, **page)
        except (BotoCoreError, ClientError) as error:
            raise ShardsUnknown(aws.refusal(error)) from None
        yield from answer["Shards"]
        if "NextToken" not in answer:  # it may not be sent with the stream's name
            return
        page = {"ExclusiveStartShardId": answer["Shards"][-1]["ShardId"]}
