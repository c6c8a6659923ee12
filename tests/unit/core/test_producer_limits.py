"""How much goes out, and when: no more than Kinesis takes, no sooner than is worth a call."""

from __future__ import annotations

from typing import Any

import pytest

from streamflix.errors import EventsUnsent, EventTooLarge
from streamflix.kpl import Aggregate
from tests.clocks import Time
from tests.unit.core.sending import (
    SLOW,
    event,
    numbers,
    producer,
    put,
)
from tests.unit.core.stream import MIB, Stream


def test_a_shard_is_asked_for_no_more_than_it_takes_in_a_second() -> None:
    stream = Stream(3, Time(1_000.0))
    with producer(stream, record_bytes=25_000, patience_seconds=1e6, salts=64) as sending:
        for number in range(20_000):
            sending.put(f"title-{number % 97}", event(number).ljust(314), str(number))

    for shard in stream.shards:
        sent = [(kept.at, len(kept.key) + len(kept.data)) for kept in shard.kept]
        assert len(sent) > 60
        for start, _ in sent:
            window = [size for at, size in sent if start <= at < start + 1]
            assert sum(window) <= 1_000_000 + 25_000
    took = stream.time.now - 1_000
    fullest = max(sum(len(kept.data) for kept in shard.kept) for shard in stream.shards)
    assert took == pytest.approx(fullest / 1_000_000, rel=0.1)  # and for hardly less


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_small_records_keep_to_the_number_a_shard_takes(share: float) -> None:
    stream = Stream(1)
    with producer(stream, record_bytes=1, share=share) as sending:
        put(sending, range(2_000))

    assert len(stream.shards[0].kept) == 2_000
    assert stream.time.now - 1_000 == pytest.approx(2 / share, rel=0.02)


def test_a_call_holds_what_kinesis_accepts() -> None:
    """The stream's own assertions look; here are the cases in which they would fail."""
    many, large = Stream(700), Stream(40)
    with producer(many, salts=2_000) as sending:
        for number in range(3_000):
            sending.put("title", event(number), str(number))
    with producer(large, record_bytes=MIB, salts=200) as sending:
        for number in range(60):
            sending.put("title", event(number).ljust(900_000), str(number))

    assert max(many.calls) == 500
    assert max(large.calls) == 5
    assert len(large.payloads) == 60


def test_a_record_has_a_thousand_events_at_most() -> None:
    stream = Stream(1)
    with producer(stream, record_bytes=MIB) as sending:
        for number in range(2_500):
            sending.put("title", str(number).encode())

    assert [len(kept.data) > 0 for kept in stream.shards[0].kept] == [True] * 3
    assert stream.payloads == [str(number).encode() for number in range(2_500)]


def test_an_event_that_is_larger_than_records_should_be_goes_alone() -> None:
    stream = Stream(1)
    with producer(stream) as sending:
        for payload in (b"a", b"b" * 20_000, b"c"):
            sending.put("title", payload)

    assert [len(kept.data) > 1_000 for kept in stream.shards[0].kept] == [False, True, False]


def test_an_event_that_fits_no_record_is_refused_and_changes_nothing() -> None:
    stream = Stream(1)
    sending = producer(stream)
    fits = next(n for n in range(MIB, 0, -1) if Aggregate().add("abcd#0", b"x" * n, MIB))
    sending.put("title", b"first")

    with pytest.raises(EventTooLarge) as raised:
        sending.put("title", b"x" * (fits + 1))
    assert str(raised.value) == f"{fits + 1} bytes, of a record's {MIB}"
    assert sending.unsent == 1
    sending.put("title", b"x" * fits)
    sending.put("title", b"last")
    sending.flush()

    assert list(map(len, stream.payloads)) == [5, fits, 4]


@pytest.mark.parametrize(
    "wrong", [{"record_bytes": MIB + 1}, {"share": 0}, {"buffer_bytes": 999}, {"salts": 0}]
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        producer(Stream(), **wrong)


def test_nothing_is_sent_before_a_record_is_full_or_has_waited() -> None:
    stream = Stream(1)
    sending = producer(stream, linger_seconds=2)
    put(sending, range(5))
    assert stream.calls == []

    stream.time.now += 1.9
    sending.tend()
    assert stream.calls == []

    stream.time.now += 0.1
    sending.tend()
    assert numbers(stream.shards[0]) == list(range(5))

    for number in range(5, 20):  # 8 make a record full
        put(sending, [number])
        stream.time.now += 0.01
    assert stream.calls == [1, 1]
    assert numbers(stream.shards[0]) == list(range(5 + 8))


def test_a_call_waits_until_half_of_the_shards_have_a_full_record() -> None:
    stream = Stream(10)
    with producer(stream, linger_seconds=1e6, salts=64) as sending:
        for number in range(2_000):
            sending.put(f"title-{number % 50}", event(number), str(number))
            stream.time.now += 0.01
        paced = list(stream.calls)

    assert min(paced) >= 5
    assert sum(paced) > 150


def test_one_put_makes_one_call_at_most_while_there_is_room() -> None:
    stream = Stream(2)
    stream.refuses = lambda _: SLOW
    sending = producer(stream)

    for number in range(500):
        before = len(stream.calls)
        put(sending, [number])
        assert len(stream.calls) - before <= 1

    assert stream.time.slept == []
    assert sending.unsent == 500


def test_refusals_are_followed_by_longer_and_longer_pauses_up_to_a_limit() -> None:
    stream = Stream(1)
    stream.refuses = lambda _: SLOW
    sending = producer(stream)
    put(sending, [1])

    with pytest.raises(EventsUnsent):
        sending.flush(30)

    assert stream.time.slept[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert max(stream.time.slept) == 5.0
    assert stream.time.now == pytest.approx(1_030.0)


def test_what_was_accepted_begins_the_pauses_anew() -> None:
    stream = Stream(1)
    stream.refuses = lambda _: SLOW
    sending = producer(stream)
    put(sending, [1])
    with pytest.raises(EventsUnsent):
        sending.flush(30)
    stream.refuses = lambda _: None
    sending.flush()
    stream.time.slept.clear()
    stream.time.now += 1

    stream.refuses = lambda _: SLOW
    put(sending, [2])
    with pytest.raises(EventsUnsent):
        sending.flush(1)

    assert stream.time.slept[:2] == [0.1, 0.2]


def test_thousands_of_refusals_are_no_longer_pause() -> None:
    stream = Stream(1)
    stream.refuses = lambda _: SLOW
    sending = producer(stream)
    put(sending, [1])

    with pytest.raises(EventsUnsent):
        sending.flush(10_000)

    assert len(stream.calls) > 2_000 - 10
