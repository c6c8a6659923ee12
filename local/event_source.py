"""How Lambda works through one shard of a stream: batches, retries, bisection, giving up.

Knows nothing of MiniStack; a `Shard` does the reading and the calling.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Record = dict[str, Any]
"""A record as MiniStack keeps it: SequenceNumber, PartitionKey, Data (base64), arrival time."""

PAYLOAD_LIMIT = 6 * 1024 * 1024
"""Bytes of an event; Lambda cuts a batch before it gets longer."""

FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 10.0

FOR_EVER = -1


class Stopped(Exception):
    """The mapping was disabled, deleted or forgotten; what is not checkpointed comes again."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A mapping's settings, read again for each batch."""

    batch_size: int
    window_seconds: float
    bisect: bool
    retries: int
    max_age_seconds: int
    lanes: int
    reports_items: bool

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Policy:
        """From a mapping as the API or a template gives it: numbers may be text."""

        def number(key: str, default: int) -> int:
            value = mapping.get(key)
            return default if value in (None, "") else int(str(value))

        return cls(
            batch_size=number("BatchSize", 100),
            window_seconds=number("MaximumBatchingWindowInSeconds", 0),
            bisect=truth(mapping.get("BisectBatchOnFunctionError", False)),
            retries=number("MaximumRetryAttempts", FOR_EVER),
            max_age_seconds=number("MaximumRecordAgeInSeconds", FOR_EVER),
            lanes=number("ParallelizationFactor", 1),
            reports_items="ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or ()),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What one invocation came to. `failed_item`: the first sequence number that was not done."""

    error: bool = False
    throttled: bool = False
    failed_item: str | None = None


class Shard(Protocol):
    """The side of a shard that is not logic. Each method may raise `Stopped`."""

    def invoke(self, batch: Sequence[Record]) -> Answer: ...

    def give_up(self, batch: Sequence[Record], condition: str, attempts: int) -> None: ...

    def pause(self, seconds: float) -> None:
        """Wait; `Stopped` as soon as the mapping stops."""


def truth(value: object) -> bool:
    """A flag from a template: true, "true" and "True" are."""
    return str(value).lower() == "true"


def event_of(records: Sequence[Record], shard: str, constant: Mapping[str, Any]) -> list[Record]:
    """The `Records` of an event. `constant`: what is the same in all of them."""
    return [
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": record["SequenceNumber"],
                "data": record["Data"],
                "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
            },
            "eventID": f"{shard}:{record['SequenceNumber']}",
            **constant,
        }
        for record in records
    ]


def fitting(records: Sequence[Record], constant: Mapping[str, Any], shard: str) -> int:
    """How many of these records fit into one event; always at least one."""
    blank = {"PartitionKey": "", "Data": "", "SequenceNumber": "", "ApproximateArrivalTimestamp": 0}
    frame = len(json.dumps(event_of([blank], shard, constant), separators=(",", ":")))
    room = PAYLOAD_LIMIT - len('{"Records":[]}')
    for count, record in enumerate(records):
        variable = len(record["Data"]) + len(json.dumps(record["PartitionKey"]))
        room -= frame + variable + 2 * len(record["SequenceNumber"]) + len("1234567890.123,")
        if room < 0:
            return max(count, 1)
    return len(records)


def lanes_of(batch: Sequence[Record], count: int) -> list[list[Record]]:
    """A batch split for parallel invocations; the records of one key stay in one lane, in order."""
    if count == 1:
        return [list(batch)]
    lanes: dict[int, list[Record]] = {}
    for record in batch:
        digest = hashlib.md5(record["PartitionKey"].encode(), usedforsecurity=False).digest()
        lanes.setdefault(int.from_bytes(digest, "big") % count, []).append(record)
    return list(lanes.values())


def deliver(
    batch: Sequence[Record],
    policy: Callable[[], Policy],
    shard: Shard,
    done: Callable[[Record], None],
) -> None:
    """Bring a batch to its end, in order: processed, or given up. `done` gets each new checkpoint.

    A bisected batch does not use up retries; each half starts to count anew.
    """
    attempts = 0
    while batch:
        now = policy()
        batch = _without_the_old(batch, now, shard, attempts, done)
        if not batch:
            return
        answer = shard.invoke(batch)
        if answer.throttled:
            shard.pause(FIRST_WAIT_SECONDS)
            continue
        rest = _left(batch, answer, now)
        if len(rest) < len(batch):
            done(batch[len(batch) - len(rest) - 1])
            attempts = 0
        batch = rest
        if not batch:
            return
        attempts += 1
        if now.bisect and len(batch) > 1:
            half = len(batch) // 2
            deliver(batch[:half], policy, shard, done)
            batch, attempts = batch[half:], 0
        elif FOR_EVER < now.retries < attempts:
            shard.give_up(batch, "RetryAttemptsExhausted", attempts)
            done(batch[-1])
            return
        else:
            shard.pause(min(FIRST_WAIT_SECONDS * 2 ** (attempts - 1), LONGEST_WAIT_SECONDS))


def _without_the_old(
    batch: Sequence[Record],
    policy: Policy,
    shard: Shard,
    attempts: int,
    done: Callable[[Record], None],
) -> Sequence[Record]:
    """Give up the records at the front that are older than the mapping allows."""
    if policy.max_age_seconds == FOR_EVER:
        return batch
    oldest = time.time() - policy.max_age_seconds
    fresh = (i for i, each in enumerate(batch) if each["ApproximateArrivalTimestamp"] >= oldest)
    first = next(fresh, len(batch))
    if first:
        shard.give_up(batch[:first], "RecordAgeExceeded", attempts)
        done(batch[first - 1])
    return batch[first:]


def _left(batch: Sequence[Record], answer: Answer, policy: Policy) -> Sequence[Record]:
    """What is still to be done after this answer."""
    if answer.error:
        return batch
    if not policy.reports_items or answer.failed_item is None:
        return ()
    numbers = [record["SequenceNumber"] for record in batch]
    return batch[numbers.index(answer.failed_item) :] if answer.failed_item in numbers else batch
