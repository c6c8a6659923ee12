"""A stream in memory: shards that split and merge, refuse entries, and lose answers."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_kinesis_agg.deaggregator import deaggregate_records
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.clocks import Time

if TYPE_CHECKING:
    from collections.abc import Callable

LAST = 2**128 - 1
MIB = 1_048_576


class Kept(NamedTuple):
    at: float
    key: str
    data: bytes


class User(NamedTuple):
    """What AWS's own library finds in an aggregate."""

    key: str
    hash_key: int
    payload: bytes


@dataclass
class Shard:
    name: str
    start: int
    end: int
    parents: tuple[str, ...] = ()
    is_open: bool = True
    kept: list[Kept] = field(default_factory=list)

    def described(self) -> dict[str, Any]:
        numbers = {"StartingSequenceNumber": "1"}
        if not self.is_open:
            numbers["EndingSequenceNumber"] = "2"
        return {
            "ShardId": self.name,
            "HashKeyRange": {"StartingHashKey": str(self.start), "EndingHashKey": str(self.end)},
            "SequenceNumberRange": numbers,
        }

    @property
    def users(self) -> list[User]:
        return [user for kept in self.kept for user in unpacked(kept.key, kept.data)]

    @property
    def payloads(self) -> list[bytes]:
        return [user.payload for user in self.users]


class Stream:
    """`refuses` decides about each entry; `answers` about each call, after it was heard."""

    def __init__(self, shards: int = 4, time: Time | None = None, per_page: int = 100) -> None:
        self.time = time or Time(1_000.0)
        self.per_page = per_page
        self.refuses: Callable[[Shard], str | None] = lambda _: None
        self.hears: Callable[[], bool] = lambda: True
        self.answers: Callable[[], bool] = lambda: True
        self.lists_shards: Callable[[], bool] = lambda: True
        self.calls: list[int] = []
        """How many records each held."""
        self.lists = 0
        edges = [LAST * n // shards + (n > 0) for n in range(shards)]
        self.shards = [
            Shard(f"shardId-{n:012d}", start, end - 1)
            for n, (start, end) in enumerate(zip(edges, [*edges[1:], LAST + 1], strict=True))
        ]

    def split(self, at: int) -> None:
        """The shard that this hash key belongs to, into halves."""
        shard = self._owner(at)
        middle = (shard.start + shard.end) // 2
        shard.is_open = False
        self._grow(shard.start, middle, shard)
        self._grow(middle + 1, shard.end, shard)

    def merge(self, at: int) -> None:
        """The shard that this hash key belongs to with the one above it, if there is any."""
        shard = self._owner(at)
        if shard.end == LAST:
            return
        above = self._owner(shard.end + 1)
        shard.is_open = above.is_open = False
        self._grow(shard.start, above.end, shard, above)

    @property
    def payloads(self) -> list[bytes]:
        return [payload for shard in self.shards for payload in shard.payloads]

    def list_shards(
        self,
        *,
        StreamName: str,  # noqa: N803
        ExclusiveStartShardId: str = "",  # noqa: N803
    ) -> dict[str, Any]:
        self.lists += 1
        if not self.lists_shards():
            raise ClientError({"Error": {"Code": "LimitExceededException"}}, "ListShards")
        left = [shard for shard in self.shards if shard.name > ExclusiveStartShardId]
        answer: dict[str, Any] = {"Shards": [it.described() for it in left[: self.per_page]]}
        if left[self.per_page :]:
            answer["NextToken"] = "token"
        return answer

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        sizes = [len(each["Data"]) + len(each["PartitionKey"].encode()) for each in Records]
        assert 0 < len(Records) <= 500
        assert sum(sizes) <= 5 * MIB
        assert max(sizes) <= MIB
        self.calls.append(len(Records))
        if not self.hears():
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutRecords")
        results = [self._put(each) for each in Records]
        if not self.answers():
            raise ReadTimeoutError(endpoint_url="x")
        return {"Records": results}

    def _put(self, entry: dict[str, Any]) -> dict[str, str]:
        shard = self._owner(_md5(entry["PartitionKey"]))
        if code := self.refuses(shard):
            return {"ErrorCode": code, "ErrorMessage": "account 0, stream, shard"}
        shard.kept.append(Kept(self.time(), entry["PartitionKey"], entry["Data"]))
        return {"ShardId": shard.name, "SequenceNumber": str(len(shard.kept))}

    def _owner(self, hash_key: int) -> Shard:
        (owner,) = [it for it in self.shards if it.is_open and it.start <= hash_key <= it.end]
        return owner

    def _grow(self, start: int, end: int, *parents: Shard) -> None:
        names = tuple(parent.name for parent in parents)
        self.shards.append(Shard(f"shardId-{len(self.shards):012d}", start, end, names))


def unpacked(key: str, data: bytes) -> list[User]:
    """By AWS's own library, as it stands."""
    record = {
        "kinesis": {
            "partitionKey": key,
            "sequenceNumber": "1",
            "approximateArrivalTimestamp": 0,
            "kinesisSchemaVersion": "1.0",
            "data": base64.b64encode(data),
        }
    }
    return [
        User(
            user["kinesis"]["partitionKey"],
            int(user["kinesis"]["explicitHashKey"]),
            base64.b64decode(user["kinesis"]["data"]),
        )
        for user in deaggregate_records([record])
    ]


def _md5(key: str) -> int:
    return int(hashlib.md5(key.encode()).hexdigest(), 16)
