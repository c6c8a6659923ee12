"""A producer that may wait no longer says so, and keeps what it has."""

from __future__ import annotations

from itertools import count as numbered

import pytest

from streamflix.errors import EventsUnsent
from tests.unit.core.sending import (
    SLOW,
    number_of,
    numbers,
    producer,
    put,
)
from tests.unit.core.stream import Stream


def test_a_full_buffer_takes_nothing_more_and_keeps_what_it_has() -> None:
    stream = Stream(2)
    stream.refuses = lambda _: SLOW
    sending = producer(stream, buffer_bytes=10_000, patience_seconds=5)
    offered = numbered()

    with pytest.raises(EventsUnsent, match=f"playback: .* events after 5 s: {SLOW}"):
        put(sending, offered)
    taken = next(offered) - 1
    assert taken == sending.unsent
    assert 10_000 <= sending._held < 10_200

    stream.refuses = lambda _: None
    put(sending, range(taken, 200))
    sending.flush()
    assert sorted(map(number_of, stream.payloads)) == list(range(200))
    assert sending._held == 0


def test_a_call_that_is_refused_as_a_whole_says_why_without_a_word_of_what_was_sent() -> None:
    stream = Stream(2)
    stream.hears = lambda: False
    sending = producer(stream)
    sending.put("secret-title", b"secret-payload", "secret-session")

    with pytest.raises(EventsUnsent) as raised:
        sending.flush(3)

    assert str(raised.value) == "playback: 1 events after 3 s: PutRecords: AccessDeniedException"
    assert raised.value.__cause__ is None
    assert sending.sent.failed_calls == len(stream.calls) > 3
    assert sending.unsent == 1


def test_a_flush_without_time_still_makes_one_call_and_may_succeed() -> None:
    stream = Stream(1)
    sending = producer(stream)
    put(sending, range(5))

    sending.flush(0)

    assert numbers(stream.shards[0]) == list(range(5))


def test_a_flush_that_only_lacks_time_says_so() -> None:
    sending = producer(Stream(1))
    put(sending, range(3_000))

    with pytest.raises(EventsUnsent, match="pace was kept"):
        sending.flush(0.1)


def test_a_block_that_ends_with_an_error_is_flushed_and_keeps_its_error() -> None:
    def fail(stream: Stream) -> None:
        with producer(stream) as sending:
            put(sending, [1])
            raise ZeroDivisionError

    taking, refusing = Stream(1), Stream(1)
    refusing.refuses = lambda _: SLOW

    with pytest.raises(ZeroDivisionError):
        fail(taking)
    assert numbers(taking.shards[0]) == [1]

    with pytest.raises(ZeroDivisionError) as raised:
        fail(refusing)
    assert raised.value.__notes__ == [f"EventsUnsent: playback: 1 events after 30 s: {SLOW}"]


def test_a_block_that_cannot_be_flushed_says_so_and_its_producer_can_be_flushed_later() -> None:
    stream = Stream(1)
    stream.refuses = lambda _: SLOW
    sending = producer(stream)

    with pytest.raises(EventsUnsent), sending:
        put(sending, [1])
    stream.refuses = lambda _: None
    sending.flush()

    assert numbers(stream.shards[0]) == [1]
