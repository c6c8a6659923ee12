"""What Lambda hands over: a batch of records of one shard."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from analytics.errors import MalformedInvocation

if TYPE_CHECKING:
    from collections.abc import Mapping


class Record(NamedTuple):
    """One record of the stream. `arrival` is in seconds since 1970, as Kinesis stamped it."""

    sequence: int
    arrival: float
    data: bytes


class Shard(NamedTuple):
    """What a watermark belongs to. The stream's name, not the ARN of the event source: with
    enhanced fan-out that becomes the consumer's."""

    stream: str
    name: str


@dataclass(frozen=True, slots=True)
class Batch:
    shard: Shard
    records: list[Record]

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Batch:
        """Raises: `MalformedInvocation`; what is inside a record is not looked at."""
        try:
            entries = event["Records"]
            shards = {_shard(entry) for entry in entries}
            records = [_record(entry["kinesis"]) for entry in entries]
        except (LookupError, TypeError, ValueError, AttributeError):
            raise MalformedInvocation("not an event of a Kinesis stream") from None
        if len(shards) != 1:
            raise MalformedInvocation(f"records of {len(shards)} shards in one batch")
        return cls(shards.pop(), records)

    @property
    def last(self) -> int:
        """The highest sequence number: where the watermark goes."""
        return max(record.sequence for record in self.records)

    @property
    def arrival(self) -> float:
        """When its newest record came into the stream, in seconds since 1970."""
        return max(record.arrival for record in self.records)


def _shard(entry: Mapping[str, Any]) -> Shard:
    # arn:aws:kinesis:<region>:<account>:stream/<name>[/consumer/<consumer>:<time>]
    stream = entry["eventSourceARN"].split(":", 5)[5].split("/")[1]
    # shardId-000000000000:49590338271490256608559692538361571095921575989136588898
    return Shard(stream, entry["eventID"].rpartition(":")[0])


def _record(kinesis: Mapping[str, Any]) -> Record:
    return Record(
        int(kinesis["sequenceNumber"]),
        float(kinesis["approximateArrivalTimestamp"]),
        binascii.a2b_base64(kinesis["data"]),
    )
