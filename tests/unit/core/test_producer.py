"""Events reach the stream once and in order, whatever the stream refuses or does not answer."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamflix.errors import EventsUnsent, ShardsUnknown
from tests.unit.core.sending import (
    SLOW,
    dice,
    number_of,
    numbers,
    producer,
    put,
    put_in_time,
    without_repeats,
)
from tests.unit.core.stream import Stream


@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 600),
    shards=st.integers(1, 9),
    refusing=st.floats(0, 0.7),
    salts=st.integers(1, 5),
)
def test_refused_records_are_put_again_before_anything_newer_of_their_shard(
    seed: int, count: int, shards: int, refusing: float, salts: int
) -> None:
    stream, ok = Stream(shards), dice(seed, refusing)
    stream.refuses = lambda _: None if ok() else SLOW

    with producer(stream, salts=salts, patience_seconds=1e6) as sending:
        put_in_time(sending, stream, count, seed)

    assert sorted(map(number_of, stream.payloads)) == list(range(count))
    for shard in stream.shards:
        assert numbers(shard) == sorted(numbers(shard))
    assert sending.sent.events == count
    assert sending.sent.records == sum(len(shard.kept) for shard in stream.shards)
    assert (sending.unsent, sending._held) == (0, 0)


@given(seed=st.integers(0, 2**32), count=st.integers(0, 600), shards=st.integers(1, 9))
def test_only_a_call_without_an_answer_brings_events_twice_and_none_out_of_order(
    seed: int, count: int, shards: int
) -> None:
    stream = Stream(shards)
    heard, answered, taken = dice(seed, 0.2), dice(seed + 1, 0.2), dice(seed + 2, 0.2)
    stream.hears, stream.answers = heard, answered
    stream.refuses = lambda _: None if taken() else "InternalFailure"

    with producer(stream, patience_seconds=1e6) as sending:
        put_in_time(sending, stream, count, seed)

    for shard in stream.shards:
        # A repeated record follows its first copy at once: nothing newer came between.
        records = [kept.data for kept in shard.kept]
        repeats = [a == b for a, b in pairwise(records)]
        assert len(set(records)) == len(records) - sum(repeats)
        assert without_repeats(numbers(shard)) == sorted(set(numbers(shard)))
    assert {number_of(payload) for payload in stream.payloads} == set(range(count))
    again = sum(Counter(stream.payloads).values()) - count
    assert again == 0 or sending.sent.failed_calls > 0


@given(seed=st.integers(0, 2**32), count=st.integers(1, 600), shards=st.integers(1, 5))
def test_nothing_is_lost_while_the_stream_is_resharded(seed: int, count: int, shards: int) -> None:
    rng = Random(seed)
    stream = Stream(shards)
    stream.refuses = lambda _: SLOW if rng.random() < 0.2 else None

    with producer(stream, patience_seconds=1e6) as sending:
        for number in range(count):
            put(sending, [number])
            if rng.random() < 0.02:
                rng.choice([stream.split, stream.merge])(rng.getrandbits(128))
            stream.time.now += rng.random() * 0.1

    assert sorted(map(number_of, stream.payloads)) == list(range(count))
    assert (sending.unsent, sending._held) == (0, 0)
    for shard in stream.shards:
        sessions = defaultdict(list)
        for number in numbers(shard):
            sessions[number % 7, number % 11].append(number)
        for each in sessions.values():
            assert each == sorted(each)
        for user in shard.users:  # or Amazon's client library drops the record
            assert shard.start <= user.hash_key <= shard.end


def test_a_shard_that_refuses_does_not_let_later_records_overtake() -> None:
    stream = Stream(2)
    stuck = stream.shards[0].name
    stream.refuses = lambda shard: SLOW if shard.name == stuck else None
    sending = producer(stream)
    put(sending, range(100))

    with pytest.raises(EventsUnsent):
        sending.flush(10)
    assert stream.shards[0].kept == []
    assert numbers(stream.shards[1]) == sorted(numbers(stream.shards[1]))

    stream.refuses = lambda _: None
    sending.flush()
    assert numbers(stream.shards[0]) == sorted(numbers(stream.shards[0]))
    assert sorted(map(number_of, stream.payloads)) == list(range(100))


def test_a_process_that_is_interrupted_after_the_call_still_has_its_events() -> None:
    class Interrupted(Stream):
        def put_records(self, **asked: Any) -> dict[str, Any]:
            super().put_records(**asked)
            raise KeyboardInterrupt

    stream = Interrupted(1)
    sending = producer(stream)
    put(sending, range(5))

    with pytest.raises(KeyboardInterrupt):
        sending.flush()

    assert sending.unsent == 5


def test_a_process_that_is_interrupted_while_it_reads_the_answer_repeats_the_rest_only() -> None:
    class Unread(dict[str, str]):
        def get(self, *_: Any) -> str:
            raise KeyboardInterrupt

    class Interrupted(Stream):
        def put_records(self, **asked: Any) -> dict[str, Any]:
            first, *rest = super().put_records(**asked)["Records"]
            return {"Records": [first, *map(Unread, rest)]}

    stream = Interrupted(2)
    sending = producer(stream, buffer_bytes=1_000)
    put(sending, range(8))
    with pytest.raises(KeyboardInterrupt):
        sending.flush()
    confirmed = 8 - sending.unsent

    stream.__class__ = Stream  # type: ignore[assignment]
    put(sending, range(8, 30))
    sending.flush()

    assert 0 < confirmed < 8
    counts = Counter(map(number_of, stream.payloads))
    assert sorted(counts) == list(range(30))
    assert sum(counts.values()) == 30 + 8 - confirmed
    assert (sending.unsent, sending._held) == (0, 0)


def test_an_answer_about_other_records_confirms_none() -> None:
    class Short(Stream):
        def put_records(self, **asked: Any) -> dict[str, Any]:
            return {"Records": super().put_records(**asked)["Records"][1:]}

    sending = producer(Short(3))
    put(sending, range(50))

    with pytest.raises(EventsUnsent, match="answers to"):
        sending.flush(0)

    assert sending.unsent == 50


def test_a_reshard_is_noticed_by_where_a_record_lands() -> None:
    stream = Stream(1)
    sending = producer(stream)
    put(sending, range(30))
    sending.flush()
    stream.split(0)

    put(sending, range(30, 60))
    sending.flush()
    assert sending.sent.moved == 1
    assert stream.lists == 2

    put(sending, range(60, 90))
    sending.flush()
    assert sending.sent.moved == 1
    for shard in stream.shards[1:]:
        assert numbers(shard)
    assert sorted(map(number_of, stream.payloads)) == list(range(90))


def test_shards_are_asked_for_once_a_second_while_a_reshard_goes_on() -> None:
    """The children take records before ListShards knows them."""

    class Late(Stream):
        def list_shards(self, **asked: Any) -> dict[str, Any]:
            answer = super().list_shards(**asked)
            return answer if self.time() > 1_010 else {"Shards": [first]}

    stream = Late(1)
    first = stream.shards[0].described()
    sending = producer(stream)
    put(sending, range(9))
    sending.flush()
    stream.split(0)
    before = stream.lists

    for number in range(100):
        put(sending, [number])
        sending.flush()
        stream.time.now += 0.1

    assert stream.lists - before <= 12
    assert sending.sent.moved > 50


def test_shards_that_cannot_be_listed_are_known_from_before() -> None:
    stream = Stream(2)
    sending = producer(stream)
    put(sending, range(20))
    sending.flush()
    for shard in list(stream.shards):
        stream.split(shard.start)
    stream.lists_shards = lambda: False
    put(sending, range(20, 60))
    sending.flush()

    assert sorted(map(number_of, stream.payloads)) == list(range(60))


def test_without_shards_no_event_is_taken() -> None:
    stream = Stream()
    stream.lists_shards = lambda: False
    sending = producer(stream)

    with pytest.raises(ShardsUnknown):
        put(sending, [1])

    assert sending.unsent == 0
    sending.flush()


def test_protobuf_is_not_imported_to_produce() -> None:
    code = (
        "import sys, streamflix.producer; print({'google', 'boto3', 'botocore'} & set(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-B", "-S", "-c", code],
        env={"PYTHONPATH": "layers/core/python"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout

    assert loaded == "set()\n"
