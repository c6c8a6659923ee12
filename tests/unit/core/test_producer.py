"""Events reach the stream once and in order, whatever the stream refuses or does not answer."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections import Counter, defaultdict
from itertools import count as numbered
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamflix import routes
from streamflix.errors import EventsUnsent, EventTooLarge, ShardsUnknown
from streamflix.kpl import Aggregate, hash_of
from streamflix.producer import Producer
from tests.clocks import Time
from tests.unit.core.stream import MIB, Shard, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SLOW = "ProvisionedThroughputExceededException"


def producer(stream: Stream, **changes: Any) -> Producer:
    given: dict[str, Any] = {
        "clock": stream.time,
        "sleep": stream.time.sleep,
        "jitter": lambda: 0.5,
        "record_bytes": 1_000,
    }
    return Producer("playback", stream, **given | changes)


def put(producer: Producer, numbers: Iterable[int]) -> None:
    """Events of a few sessions of a few titles, each with its number."""
    for number in numbers:
        title, session = f"title-{number % 7}", f"session-{number % 11}"
        producer.put(title, event(number), session)


def put_in_time(producer: Producer, stream: Stream, count: int, seed: int) -> None:
    """At times fast, at times so slowly that events have waited before a record is full."""
    rng = Random(seed)
    for number in range(count):
        put(producer, [number])
        stream.time.now += rng.choice([0.0, 0.001, 0.2])


def event(number: int) -> bytes:
    return f"{number % 7} {number % 11} {number}".encode().ljust(100)


def number_of(payload: bytes) -> int:
    return int(payload.split()[2])


def numbers(shard: Shard) -> list[int]:
    return [number_of(payload) for payload in shard.payloads]


def without_repeats(numbers: list[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


def dice(seed: int, chance: float) -> Callable[[], bool]:
    rng = Random(seed)
    return lambda: rng.random() >= chance


# --- Nothing is lost, nothing changes places ---


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


# --- What an event's key is, and where it leads ---


def test_a_titles_events_spread_over_its_salts_and_a_session_stays_in_one() -> None:
    stream = Stream(8)
    with producer(stream, salts=4) as sending:
        for number in range(400):
            sending.put("title-1", event(number), f"session-{number % 40}")

    keys = defaultdict(set)
    for shard in stream.shards:
        for user in shard.users:
            keys[number_of(user.payload) % 40].add(user.key)
            assert shard.start <= hash_of(user.key) <= shard.end
    assert len(set.union(*keys.values())) == 4
    assert all(len(each) == 1 for each in keys.values())
    assert max(map(len, set.union(*keys.values()))) <= 8


def test_keys_are_the_same_in_every_process() -> None:
    code = (
        "from tests.unit.core.stream import Stream\n"
        "from streamflix.producer import Producer\n"
        "stream = Stream(1)\n"
        "with Producer('playback', stream) as sending:\n"
        "    for n in range(40): sending.put('title-1', b'', f'session-{n}')\n"
        "print([user.key for user in stream.shards[0].users])"
    )
    path = ["layers/core/python", "."]
    answers = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env={"PYTHONPATH": ":".join(path), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(answers) == 1
    assert zlib.crc32(b"session-0") % 16 == int(answers.pop().split("'")[1].split("#")[1], 16)


def test_an_event_without_a_session_that_is_put_again_meets_its_first_copy() -> None:
    stream = Stream(8)
    with producer(stream) as sending:
        for number in [*range(50), *range(50)]:
            sending.put("title-1", event(number))

    assert len([shard for shard in stream.shards if shard.kept]) > 1
    for shard in stream.shards:
        assert set(Counter(numbers(shard)).values()) <= {2}


def test_a_title_may_have_salts_of_its_own() -> None:
    stream = Stream(8)
    with producer(stream, salts={"title-hot": 32, "title-cold": 1}.__getitem__) as sending:
        for number in range(300):
            sending.put("title-hot", event(number), str(number))
            sending.put("title-cold", b"cold", str(number))

    cold = {user.key for shard in stream.shards for user in shard.users if user.payload == b"cold"}
    every = {user.key for shard in stream.shards for user in shard.users}
    assert (len(cold), len(every)) == (1, 33)


def test_ways_of_many_titles_are_forgotten_and_found_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routes, "KEPT", 10)
    stream = Stream(4)
    with producer(stream) as sending:
        for number in [*range(100), *range(100)]:
            sending.put(f"title-{number}", event(number), "session")

    for shard in stream.shards:
        assert set(Counter(numbers(shard)).values()) <= {2}
    assert len(stream.payloads) == 200
    assert len(sending._routes._known) <= 10


# --- Limits ---


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


# --- When a record goes out ---


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


# --- When it is given up ---


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


# --- Reshards ---


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
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": "layers/core/python"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout

    assert loaded == "set()\n"
