"""Whatever fails, each record of a batch is brought to its end once, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.event_source import (
    FOR_EVER,
    PAYLOAD_LIMIT,
    Answer,
    Policy,
    Record,
    Stopped,
    deliver,
    fitting,
    lanes_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

POLICY = Policy(
    batch_size=100,
    window_seconds=0,
    bisect=True,
    retries=1,
    max_age_seconds=FOR_EVER,
    lanes=1,
    reports_items=False,
)


def record(number: int, key: str = "k", data: str = "") -> Record:
    return {
        "SequenceNumber": f"{number:056}",
        "PartitionKey": key,
        "Data": data,
        "ApproximateArrivalTimestamp": 1.5,
    }


@dataclass
class Shard:
    """A function that fails on some records, and remembers."""

    poison: set[int]
    processed: list[int] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    invocations: int = 0
    stop_after: int = 10_000

    def invoke(self, batch: Sequence[Record]) -> Answer:
        self.invocations += 1
        if self.invocations > self.stop_after:
            raise Stopped
        numbers = [int(each["SequenceNumber"]) for each in batch]
        if self.poison & set(numbers):
            return Answer(error=True)
        self.processed += numbers
        return Answer()

    def give_up(self, batch: Sequence[Record], condition: str, attempts: int) -> None:
        assert condition == "RetryAttemptsExhausted"
        assert attempts == 2
        self.given_up += [int(each["SequenceNumber"]) for each in batch]

    def pause(self, seconds: float) -> None:
        assert 0 < seconds <= 10


@given(size=st.integers(1, 60), poison=st.sets(st.integers(0, 59), max_size=8))
def test_bisection_gives_up_the_poison_and_nothing_else(size: int, poison: set[int]) -> None:
    shard, done = Shard(poison), list[int]()

    deliver(
        [record(number) for number in range(size)],
        lambda: POLICY,
        shard,
        lambda each: done.append(int(each["SequenceNumber"])),
    )

    assert shard.processed == [number for number in range(size) if number not in poison]
    assert shard.given_up == [number for number in range(size) if number in poison]
    assert done == sorted(done)
    assert done[-1] == size - 1


@given(size=st.integers(1, 40), poison=st.sets(st.integers(0, 39)), stop=st.integers(0, 30))
def test_what_is_not_checkpointed_when_it_stops_comes_again(
    size: int, poison: set[int], stop: int
) -> None:
    shard, done = Shard(poison, stop_after=stop), [-1]
    records = [record(number) for number in range(size)]

    try:
        deliver(
            records, lambda: POLICY, shard, lambda each: done.append(int(each["SequenceNumber"]))
        )
    except Stopped:
        shard.stop_after = 10_000
        deliver(records[done[-1] + 1 :], lambda: POLICY, shard, lambda _: None)

    assert sorted({*shard.processed}) == [n for n in range(size) if n not in poison]
    assert sorted({*shard.given_up}) == [n for n in range(size) if n in poison]


def test_without_a_limit_it_is_tried_until_it_works() -> None:
    class Recovering(Shard):
        def invoke(self, batch: Sequence[Record]) -> Answer:
            if self.invocations == 20:
                self.poison = set()
            return super().invoke(batch)

    shard = Recovering({0})
    endless = Policy.of({"BatchSize": "10", "MaximumRetryAttempts": "-1"})

    deliver([record(0)], lambda: endless, shard, lambda _: None)

    assert shard.invocations == 21
    assert shard.processed == [0]


def test_settings_of_a_template_are_text() -> None:
    policy = Policy.of(
        {"BatchSize": "7", "BisectBatchOnFunctionError": "true", "MaximumRetryAttempts": "0"}
    )

    assert (policy.batch_size, policy.bisect, policy.retries) == (7, True, 0)
    assert (policy.max_age_seconds, policy.lanes) == (FOR_EVER, 1)


@pytest.mark.parametrize("length", [1_000, 100_000, 1_000_000, 7_000_000])
def test_an_event_stays_under_the_payload_limit(length: int) -> None:
    records = [record(number, key="\N{SNOWMAN}" * 10, data="x" * length) for number in range(20)]
    constant = {"eventSource": "aws:kinesis", "awsRegion": "eu-central-1"}

    count = fitting(records, constant, "shardId-000000000000")

    assert count == max(1, min(20, PAYLOAD_LIMIT // (length + 700)))


def test_a_lane_holds_all_records_of_its_keys_in_order() -> None:
    records = [record(number, key=f"key{number % 7}") for number in range(70)]

    lanes = lanes_of(records, 4)

    assert 1 < len(lanes) <= 4
    for key in range(7):
        [home] = [
            lane for lane in lanes if any(each["PartitionKey"] == f"key{key}" for each in lane)
        ]
        mine = [int(each["SequenceNumber"]) for each in home if each["PartitionKey"] == f"key{key}"]
        assert mine == list(range(key, 70, 7))
