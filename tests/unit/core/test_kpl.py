"""Aggregates as AWS's library reads and writes them, and as the consumer reads them."""

from __future__ import annotations

import hashlib

import pytest
from aws_kinesis_agg.aggregator import AggRecord, RecordAggregator
from hypothesis import given
from hypothesis import strategies as st

from analytics import aggregate
from streamflix.kpl import Aggregate, hash_of
from tests.unit.core.stream import User, unpacked

MIB = 1_048_576

keys = st.one_of(st.text("ab#01", min_size=1, max_size=8), st.text(min_size=1, max_size=64))
users = st.lists(st.tuples(keys, st.binary(max_size=300)), min_size=1, max_size=40)


def packed(users: list[tuple[str, bytes]]) -> Aggregate:
    record = Aggregate()
    for key, payload in users:
        assert record.add(key, payload, MIB)
    return record


@given(users)
def test_the_consumer_reads_back_what_was_packed(users: list[tuple[str, bytes]]) -> None:
    assert aggregate.payloads(packed(users).data()) == [payload for _, payload in users]


@given(users)
def test_awss_library_reads_every_payload_under_its_own_key(users: list[tuple[str, bytes]]) -> None:
    record = packed(users)

    read = unpacked(record.key, record.data())

    assert [(user.key, user.payload) for user in read] == users
    assert {user.hash_key for user in read} == {hash_of(record.key)}


@given(users)
def test_awss_library_writes_the_same_bytes(users: list[tuple[str, bytes]]) -> None:
    theirs = AggRecord()
    for key, payload in users:
        assert theirs.add_user_record(key, payload, str(hash_of(users[0][0])))

    assert packed(users).data() == theirs.get_contents()[2]


@given(st.lists(st.binary(max_size=300), min_size=1))
def test_the_consumer_reads_what_awss_library_packs(payloads: list[bytes]) -> None:
    theirs = RecordAggregator()
    for number, payload in enumerate(payloads):
        theirs.add_user_record(f"key-{number % 3}", payload)

    data = theirs.clear_and_get().get_contents()[2]

    assert aggregate.payloads(data) == payloads


@given(users)
def test_the_size_is_known_before_the_record_is_made(users: list[tuple[str, bytes]]) -> None:
    record = packed(users)

    assert record.size == len(record.data()) + len(record.key.encode())
    assert list(record.users) == users
    assert len(record) == len(users)


@pytest.mark.parametrize("length", [0, 1, 115, 116, 127, 128, 16_000, 16_384, 16_385, 1_000_000])
@pytest.mark.parametrize("before", [0, 1, 127, 128, 129])
def test_a_record_takes_what_fits_to_the_byte(length: int, before: int) -> None:
    """Lengths and indexes at which a number takes one byte more."""
    known = [(f"k{number}", b"") for number in range(before)]
    payload = b"x" * length
    exact = packed([*known, ("new", payload)]).size
    record = packed(known) if known else Aggregate()
    untouched = (record.size, len(record))

    assert not record.add("new", payload, exact - 1)
    assert (record.size, len(record)) == untouched
    assert record.add("new", payload, exact)
    assert record.size == exact == len(record.data()) + len(record.key.encode())


@given(keys)
def test_a_key_hashes_as_kinesis_says(key: str) -> None:
    assert hash_of(key) == int(hashlib.md5(key.encode()).hexdigest(), 16)


def test_a_key_costs_its_length_once() -> None:
    one = packed([("abcd#1", b"x" * 300)])
    two = packed([("abcd#1", b"x" * 300)] * 2)
    three = packed([("abcd#1", b"x" * 300)] * 2 + [("abcd#2", b"x" * 300)])

    assert two.size - one.size == 300 + 10
    assert three.size - two.size == 300 + 10 + len("abcd#2") + 2


def test_a_user_record_is_what_it_says() -> None:
    record = packed([("a", b"1")])

    assert unpacked("a", record.data()) == [User("a", hash_of("a"), b"1")]
