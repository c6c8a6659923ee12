"""What Lambda hands over: a batch of records of one shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from analytics.errors import MalformedInvocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


class Record(
    msgspec.Struct,
    gc=False,
    rename={"number": "sequenceNumber", "arrival": "approximateArrivalTimestamp"},
):
    """One record of the stream. `arrival` is in seconds since 1970, as Kinesis stamped it."""

    number: str
    arrival: float
    data: bytes

    @property
    def sequence(self) -> int:
        return int(self.number)


class _Entry(msgspec.Struct, gc=False):
    eventID: str  # noqa: N815  Lambda's names
    eventSourceARN: str  # noqa: N815
    kinesis: Record


class _Event(msgspec.Struct, gc=False):
    Records: list[_Entry]


class Shard(NamedTuple):
    """What a watermark belongs to. The stream's name, not the ARN of the event source: with
    enhanced fan-out that becomes the consumer's."""

    stream: str
    name: str


@dataclass(frozen=True, slots=True)
class Batch:
    shard: Shard
    records: Sequence[Record]

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Batch:
        """Raises: `MalformedInvocation`; what is inside a record is not looked at."""
        try:
            entries = msgspec.convert(event, _Event).Records
            records = [entry.kinesis for entry in entries]
            shard = _shard(entries)
        except (msgspec.ValidationError, LookupError):
            raise MalformedInvocation("not an event of a Kinesis stream") from None
        if not "".join([record.number for record in records]).encode().isdigit():
            raise MalformedInvocation("not an event of a Kinesis stream")
        return cls(shard, records)

    @property
    def last(self) -> int:
        """The highest sequence number: where the watermark goes."""
        return _of(max, [record.number for record in self.records])

    @property
    def first(self) -> int:
        return _of(min, [record.number for record in self.records])


def _of(choose: Callable[[Iterable[Any]], Any], numbers: list[str]) -> int:
    """The highest, or the lowest. Texts that are as long as each other are ordered as numbers are,
    and to make thousands of numbers takes ten times as long."""
    if len(set(map(len, numbers))) == 1:
        return int(choose(numbers))
    return int(choose(map(int, numbers)))


def _shard(entries: Sequence[_Entry]) -> Shard:
    # arn:aws:kinesis:<region>:<account>:stream/<name>[/consumer/<consumer>:<time>]
    arn = entries[0].eventSourceARN
    # shardId-000000000000:49590338271490256608559692538361571095921575989136588898
    shard = entries[0].eventID.rpartition(":")[0]
    start = f"{shard}:"
    belong = [entry.eventID.startswith(start) for entry in entries]
    if len({entry.eventSourceARN for entry in entries}) > 1 or not all(belong):
        raise MalformedInvocation("records of several shards in one batch")
    return Shard(arn.split(":", 5)[5].split("/")[1], shard)
