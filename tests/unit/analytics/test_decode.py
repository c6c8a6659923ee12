"""Every event is judged alone, and strictly as the schema says."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import decode
from analytics.aggregate import MAGIC
from analytics.envelope import Batch, Records
from tests import playback

SCHEMA = json.loads(Path("events/analytics/playback_event.schema.json").read_text())
SAMPLE = Path("events/analytics/playback_event.json").read_bytes()


def decoded(*records: playback.Event) -> decode.Decoded:
    return decode.decode(Batch.from_event(playback.batch(records)).records)


def fault(item: playback.Event | bytes, arrival: Any = playback.NOON) -> str | None:
    """Why this item is rejected alone; None when it is an event."""
    result = decoded(playback.record(item, arrival=arrival))
    assert len(result.events) + len(result.rejected) == 1
    return result.rejected[0].reason if result.rejected else None


def test_an_event_keeps_its_values() -> None:
    item = playback.event("stop", position_s=7, watched_s=8, rebuffer_ms=9, bitrate_kbps=10)

    [event] = decoded(playback.record(item)).events

    for name, value in item.items():
        got = getattr(event, name)
        assert value == (got if isinstance(got, int) else str(got)), name


def test_the_sample_is_an_event() -> None:
    at = playback.NOON + timedelta(minutes=2)
    assert fault(SAMPLE, arrival=at) is None


def test_each_payload_of_an_aggregate_has_its_own_place() -> None:
    good, bad = playback.event(), b"{"
    first, second = playback.record(playback.aggregated([good, bad, good])), playback.record(good)

    result = decoded(first, second)

    sequence = int(first["kinesis"]["sequenceNumber"])
    assert result.places == [(sequence, 0), (sequence, 2), (sequence + 1, None)]
    assert result.rejected == [(sequence, 1, "undecodable")]


def test_a_broken_aggregate_is_one_pointer() -> None:
    data = bytearray(playback.aggregated([playback.event()] * 3))
    data[40] ^= 1
    record = playback.record(bytes(data))

    result = decoded(record, playback.record(playback.event()))

    assert result.rejected == [(int(record["kinesis"]["sequenceNumber"]), None, "broken_aggregate")]
    assert len(result.events) == 1


def _json(**changes: Any) -> bytes:
    return json.dumps(playback.event(**changes)).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"void",
        _json()[:-1],
        _json()[:40],
        _json() + b"x",
        _json(title_id="T").replace(b'"T"', b'"\xff\xfe"'),
        _json(title_id="T").replace(b'"T"', b'"\xed\xa0\x80"'),
        _json(title_id="T").replace(b'"T"', b'"\\ud800"'),
        _json()[:-1] + b', "deep": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_json_is_undecodable(data: bytes) -> None:
    assert fault(data) == "undecodable"


@pytest.mark.parametrize("name", SCHEMA["required"])
@pytest.mark.parametrize("value", ["gone", None, True, 1.5, [], {}])
def test_a_field_that_is_missing_or_of_a_wrong_type_is_invalid(name: str, value: Any) -> None:
    item = playback.event()
    if value == "gone":
        del item[name]
    else:
        item[name] = value
    assert fault(item) == "invalid"


@pytest.mark.parametrize("data", [b"null", b"[]", b"7", b'"event"', b"{}"])
def test_json_that_is_no_event_is_invalid(data: bytes) -> None:
    assert fault(data) == "invalid"


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "event_id": ["", "7", "g" * 36],
        "profile_id": ["not-a-uuid", "123e4567-e89b-12d3-a456-42661417400"],
        "type": ["", "PLAY_START", "rewind", "stop\x00"],
        "device": ["fridge", "TV"],
        "country": ["D", "DEU", "de", "D1", "ÄÖ", "D\x00"],
        "title_id": ["", "a b", "nul\x00", "é", "x" * 65, "a\tb", "a\\b", "a\n"],
        "position_s": [-1, 2**31, 2**63, 10**30],
        "watched_s": [-1, 86_401],
        "bitrate_kbps": [-1, 2**31],
        "rebuffer_ms": [-1, 3_600_001],
        "ts": [
            "",
            "0000-01-01T00:00:00Z",
            "2025-11-23T12:00:30",
            "2025-11-23T12:00:30+00:00",
            "2025-11-23T14:00:30+02:00",
            "2025-11-23t12:00:30z",
            "2025-11-23 12:00:30Z",
            "2025-11-23T12:00:60Z",
            "2025-11-23T24:00:00Z",
            "2025-02-30T12:00:30Z",
            "2025-11-23T12:00:30.Z",
            "2025-11-23T12:00:30.1234567890Z",
            "2025-11-23T12:00:30Z\n",
            "\uff12025-11-23T12:00:30Z",
            "2025-11-23T12:00:30.\u0663Z",
        ],
    }.items(),
)
def test_a_value_that_the_schema_does_not_allow_is_invalid(name: str, values: list[Any]) -> None:
    assert {repr(value): fault(playback.event(**{name: value})) for value in values} == {
        repr(value): "invalid" for value in values
    }


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-24 * 3600, None),
        (-24 * 3600 - 0.001, "out_of_window"),
        (120, None),
        (120.001, "out_of_window"),
        (0, None),
    ],
)
def test_the_window_is_24_hours_before_and_2_minutes_after_arrival(
    seconds: float, expected: str | None
) -> None:
    item = playback.event(at=playback.NOON + timedelta(seconds=seconds))
    assert fault(item) == expected


@pytest.mark.parametrize("tail", ["Z", ".1Z", ".123Z", ".123456789Z"])
def test_a_fraction_of_a_second_may_be_given(tail: str) -> None:
    assert fault(playback.event(ts="2025-11-23T12:00:30" + tail)) is None


def test_a_member_that_the_schema_does_not_list_is_ignored() -> None:
    assert fault(playback.event(player_version="7.1", more={"a": [1, 2]})) is None


def _values(property_: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in property_:
        return st.sampled_from(property_["enum"])
    if property_["type"] == "integer":
        return st.integers(property_["minimum"], property_["maximum"])
    if property_.get("format") == "uuid":
        return st.uuids().map(str)
    if property_.get("format") == "date-time":
        last_day = st.datetimes(
            (playback.NOON - timedelta(hours=23)).replace(tzinfo=None),
            playback.NOON.replace(tzinfo=None),
        )
        return last_day.map(playback.instant)
    return st.from_regex(property_["pattern"], fullmatch=True).filter(str.isascii)


@given(
    st.fixed_dictionaries({name: _values(value) for name, value in SCHEMA["properties"].items()})
)
def test_whatever_the_schema_allows_is_an_event(item: playback.Event) -> None:
    assert fault(item) is None


def test_schema_and_decoder_know_the_same_fields_and_words() -> None:
    properties = SCHEMA["properties"]
    assert SCHEMA["required"] == list(properties) == list(decode.Event.__struct_fields__)
    assert properties["type"]["enum"] == list(get_args(decode.Kind))
    assert properties["device"]["enum"] == list(get_args(decode.Device))


@pytest.mark.parametrize(
    "text",
    [
        "2025-11-23T24:00:00",
        "2025-11-23T25:00:00",
        "2025-11-23T23:60:00",
        "2025-11-23T23:59:60",
        "2025-11-23T3:00:00",
    ],
)
def test_a_minute_has_one_name(text: str) -> None:
    """The pattern alone decides: from Python 3.14 on, 24:00:00 is a time to `datetime`."""
    assert decode._SECOND.fullmatch(text) is None
    assert decode._second(text) is None


@pytest.mark.parametrize("name", ["title_id", "ts"])
def test_long_strings_are_not_kept(name: str) -> None:
    caches = (decode._is_title, decode._second, decode._fraction)
    for cached in caches:
        cached.cache_clear()
    value = playback.event()[name]

    assert fault(playback.event(**{name: value + "x" * 100_000})) == "invalid"

    assert [cached.cache_info().currsize for cached in caches] == [0, 0, 0]


def test_a_record_with_more_than_a_thousand_faults_is_one_pointer() -> None:
    good = playback.event()
    few = playback.record(playback.aggregated([b"[]", good, *[b"{"] * 999]))
    many = playback.record(playback.aggregated([b"[]", good, *[b"{"] * 1000]))

    result = decoded(few, many)

    sequence = int(many["kinesis"]["sequenceNumber"])
    assert len(result.rejected) == 1001
    assert result.rejected[-1] == (sequence, None, "invalid")
    assert result.places == [(sequence - 1, 1), (sequence, 1)]


def test_an_empty_aggregate_is_one_pointer() -> None:
    record = playback.record(MAGIC + hashlib.md5(b"").digest())

    assert decoded(record).rejected == [
        (int(record["kinesis"]["sequenceNumber"]), None, "broken_aggregate")
    ]


GOOD = [playback.event(), playback.event("stop"), playback.event(at=playback.NOON)]
ODD: list[playback.Event | bytes] = [
    b"{",
    b"[]",
    b"",
    playback.event(at=playback.NOON - timedelta(days=2)),
    playback.event(at=playback.NOON + timedelta(seconds=119.5)),
    playback.event(session_id="no id, of 36 characters, as one has."),
    playback.event(title_id="a b"),
    playback.event(ts="2025-11-23T12:00:30"),
]
_PAYLOADS = st.sampled_from([*GOOD, *ODD])
_RECORDS = st.one_of(
    st.sampled_from(GOOD).map(playback.payload),
    _PAYLOADS.map(playback.payload),
    st.lists(_PAYLOADS, min_size=1, max_size=6).map(playback.aggregated),
    st.just(MAGIC + b"broken"),
)


@given(st.lists(_RECORDS, max_size=40))
def test_a_batch_is_decoded_as_each_of_its_records_would_be(data: list[bytes]) -> None:
    records = Batch.from_event(playback.batch(playback.plain([b"", *data]))).records[1:]

    whole = decode.decode(records)

    alone = [decode.decode(Records.of([record])) for record in records]
    assert [*whole.events] == [event for each in alone for event in each.events]
    assert [*whole.places] == [place for each in alone for place in each.places]
    assert whole.rejected == [pointer for each in alone for pointer in each.rejected]
    assert whole.minutes == decode.by_minute(whole.events)


@pytest.mark.parametrize("size", [1, 2, 255, 257, 1025])
def test_one_that_is_wrong_takes_no_other_with_it_in_a_batch_of_any_size(size: int) -> None:
    records = playback.plain(playback.events(size))
    wrong = records[size // 2] = playback.record(b"{")

    result = decoded(*records)

    assert len(result.events) == len(result.places) == size - 1
    assert result.rejected == [(int(wrong["kinesis"]["sequenceNumber"]), None, "undecodable")]
