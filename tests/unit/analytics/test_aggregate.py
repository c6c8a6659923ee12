"""Aggregates give back what AWS's own library packed, or say that they are broken."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.aggregate import MAGIC, BrokenAggregate, payloads
from tests import playback


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=30))
def test_payloads_come_back_in_order(items: list[bytes]) -> None:
    assert payloads(playback.aggregated(items)) == items


def test_a_plain_record_is_no_aggregate() -> None:
    assert payloads(b'{"event_id": 1}') is None
    assert payloads(b"") is None
    assert payloads(MAGIC[:3]) is None


def test_an_aggregate_without_records_is_broken() -> None:
    with pytest.raises(BrokenAggregate):
        payloads(MAGIC + hashlib.md5(b"").digest())


@given(st.data())
def test_one_flipped_bit_breaks_an_aggregate(data: st.DataObject) -> None:
    whole = bytearray(playback.aggregated([b"one", b"two", b"three"]))
    at = data.draw(st.integers(len(MAGIC), len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(BrokenAggregate):
        payloads(bytes(whole))


@given(st.data())
def test_an_aggregate_that_was_cut_off_is_broken(data: st.DataObject) -> None:
    whole = playback.aggregated([b"one", b"two", b"three"])
    length = data.draw(st.integers(len(MAGIC), len(whole) - 1))

    with pytest.raises(BrokenAggregate):
        payloads(whole[:length])


@pytest.mark.parametrize("message", [b"\x1a\x7f", b"\xff" * 20, b"\x1a\x03\x1a\x7f\x00"])
def test_a_broken_message_under_a_right_checksum_is_broken(message: bytes) -> None:
    with pytest.raises(BrokenAggregate):
        payloads(MAGIC + message + hashlib.md5(message).digest())
