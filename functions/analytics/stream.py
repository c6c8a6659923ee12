"""The stream as a replay reads it: every shard that still has records, from where counting stopped.

Lambda's event source reads for the consumer; it knows no way back.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from analytics.envelope import Record, Shard
from analytics.errors import StreamUnreachable
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RECORDS_PER_READ = 10_000  # what Lambda hands over at most; 10 MB come before
# What a shard gives to all who read it. Faster means to be refused.
BYTES_PER_SECOND = 2_000_000
SECONDS_PER_READ = 0.2

REFUSED_ARGUMENT = "InvalidArgumentException"
_FROM_THE_OLDEST = {"ShardIteratorType": "TRIM_HORIZON"}


class StreamClient(Protocol):
    """The part of boto3's `kinesis` client that we use."""

    def list_shards(self, **asked: Any) -> Mapping[str, Any]: ...

    def get_shard_iterator(self, **asked: Any) -> Mapping[str, Any]: ...

    def get_records(self, **asked: Any) -> Mapping[str, Any]: ...


class Chunk(NamedTuple):
    """Some records of a shard in order, and how far the last of them is from its tip."""

    records: list[Record]
    behind_seconds: float
    is_last: bool
    """Whether nothing followed when it was read."""


class Stream:
    def __init__(self, arn: str, client: StreamClient | None = None) -> None:
        self._arn = arn
        self._client = client
        self.name = arn.rpartition("/")[2]

    def generations(self) -> list[list[str]]:
        """Every shard that has not expired, closed ones too, its parents in an earlier list.

        Raises: `StreamUnreachable`.
        """
        parents = self._parents()
        left = set(parents)
        generations = []
        while left:
            ready = sorted(shard for shard in left if not parents[shard] & left)
            generations.append(ready)
            left -= set(ready)
        return generations

    def ask(self, operation: str, **asked: Any) -> Mapping[str, Any]:
        """Raises: `StreamUnreachable`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            client: StreamClient = self._client or aws.client("kinesis")
            answer: Mapping[str, Any] = getattr(client, operation)(StreamARN=self._arn, **asked)
        except (BotoCoreError, ClientError) as error:
            raise StreamUnreachable(aws.reason(error)) from None
        return answer

    def _parents(self) -> dict[str, set[str]]:
        parents: dict[str, set[str]] = {}
        page: dict[str, str] = {}
        while True:
            answer = self.ask("list_shards", **page)
            for shard in answer["Shards"]:
                named = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
                parents[shard["ShardId"]] = {each for each in named if each}
            if "NextToken" not in answer:  # it may not be sent with the stream's name
                return parents
            page = {"ExclusiveStartShardId": answer["Shards"][-1]["ShardId"]}


class Cursor:
    """A place in a shard, which moves forward with each read. One thread at a time."""

    def __init__(
        self,
        stream: Stream,
        shard: str,
        watermark: int,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A `watermark` of 0 means that nothing was counted: it begins with the oldest record."""
        self.shard = Shard(stream.name, shard)
        self._stream = stream
        self._watermark = watermark
        self._sleep, self._clock = sleep, clock
        # From the watermark's own record on, not after it: whether it comes tells whether it has
        # expired, and whatever followed it perhaps as well.
        self._place = _at(watermark) if watermark else _FROM_THE_OLDEST
        self._iterator: str | None = None
        self._ready_at = clock()
        self._has_read = self._has_met_watermark = False

    @property
    def has_gap(self) -> bool:
        """Whether records may have expired uncounted: the watermark's own is not there any more."""
        return self._has_read and bool(self._watermark) and not self._has_met_watermark

    def read(self) -> Chunk:
        """The next records above the watermark. After an error, the same again.

        Raises: `StreamUnreachable`.
        """
        self._sleep(max(0.0, self._ready_at - self._clock()))
        iterator, self._iterator = self._iterator or self._begin(), None  # it may have expired
        answer = self._stream.ask("get_records", ShardIterator=iterator, Limit=RECORDS_PER_READ)
        read = [_record(each) for each in answer["Records"]]
        size = sum(len(record.data) for record in read)
        self._ready_at = self._clock() + max(SECONDS_PER_READ, size / BYTES_PER_SECOND)
        self._iterator = answer.get("NextShardIterator")
        behind = answer.get("MillisBehindLatest", 0) / 1000
        is_last = self._iterator is None or not behind
        if read:
            self._place = _after(read[-1].sequence)
        self._has_read |= bool(read) or is_last
        fresh = [record for record in read if record.sequence > self._watermark]
        self._has_met_watermark |= len(fresh) < len(read)
        return Chunk(fresh, behind, is_last)

    def _begin(self) -> str:
        try:
            answer = self._stream.ask("get_shard_iterator", ShardId=self.shard.name, **self._place)
        except StreamUnreachable as error:
            # Nothing is documented of a number whose record has expired: it may be refused.
            if str(error) != REFUSED_ARGUMENT or self._place == _FROM_THE_OLDEST:
                raise
            self._place = _FROM_THE_OLDEST
            return self._begin()
        iterator: str = answer["ShardIterator"]
        return iterator


def _at(sequence: int) -> dict[str, str]:
    return {
        "ShardIteratorType": "AT_SEQUENCE_NUMBER",
        "StartingSequenceNumber": str(sequence),
    }


def _after(sequence: int) -> dict[str, str]:
    return _at(sequence) | {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER"}


def _record(told: Mapping[str, Any]) -> Record:
    return Record(
        told["SequenceNumber"],
        told["ApproximateArrivalTimestamp"].timestamp(),
        told["Data"],
    )
