"""A record that cannot be counted ends as one pointer, and takes no other with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from analytics import decode, ingest
from analytics.envelope import Batch
from tests import playback
from tests.playback import aggregated, batch, event, events, expected_rows, packed, plain, pointer

if TYPE_CHECKING:
    from analytics.decode import Decoded, Pointer
    from tests.integration.analytics.conftest import Cloud, Consumer, Table

BROKEN = bytearray(aggregated([event(), event()]))
BROKEN[50] ^= 4
POISON: dict[str, tuple[Any, str]] = {
    "truncated": (b'{"event_id": "3f', "undecodable"),
    "bad UTF-8": (b'{"title_id": "\xff"}', "undecodable"),
    "NUL": (event(title_id="nul\x00"), "invalid"),
    "int4 overflow": (event(position_s=2**31), "invalid"),
    "three-letter country": (event(country="DEU"), "invalid"),
    "year 0": (event(ts="0000-01-01T00:00:00Z"), "invalid"),
    "from tomorrow": (event(ts="2025-11-24T12:00:00Z"), "out_of_window"),
    "broken checksum": (bytes(BROKEN), "broken_aggregate"),
}


@pytest.mark.parametrize("kind", POISON)
def test_poison_ends_as_one_pointer(
    consumer: Consumer, table: Table, cloud: Cloud, kind: str
) -> None:
    poison, reason = POISON[kind]
    items = events(20)
    bad = playback.record(poison)

    metrics = consumer(batch([*plain(items[:10]), bad, *plain(items[10:])]))

    assert cloud.pointers() == [pointer(bad, reason)]
    assert metrics["EventsRejected"] == 1
    assert table.rows() == expected_rows(items)


def test_poison_alone_in_its_batch_ends_as_one_pointer(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    bad = playback.record(b"{")

    for _ in range(5):
        consumer(batch([bad]))

    assert cloud.pointers() == [pointer(bad, "undecodable")]
    assert table.attempts() == []


def test_one_poison_record_among_a_thousand_loses_none_of_the_others(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    items = events(999)
    records = plain([*items[:500], b'{"event_id": "trunc', *items[500:]])

    consumer(batch(records))

    assert table.rows() == expected_rows(items)
    assert cloud.pointers() == [pointer(records[500], "undecodable")]


@pytest.mark.parametrize(
    "change",
    [
        {"title_id": "nul\x00"},
        {"title_id": "tab\tbed"},
        {"title_id": "line\nbroken"},
        {"title_id": "back\\.slash"},
        {"country": "DEU"},
        {"country": "\xc3\x28"},
        {"position_s": 2**31},
        {"watched_s": 2**63},
        {"watched_s": -1},
        {"ts": "0000-01-01T00:00:00Z"},
        {"ts": "2025-13-01T00:00:00Z"},
        {"device": "TV"},
    ],
    ids=str,
)
def test_what_a_blind_decoder_lets_pass_the_database_finds(
    consumer: Consumer, table: Table, cloud: Cloud, change: dict[str, Any]
) -> None:
    """The second line of defence: values that our decoder refuses, handed to the store."""
    items = [event("stop") for _ in range(9)]
    for item in items:
        table.add_profile(item["profile_id"], item["account_id"])
    one = Batch.from_event(batch(plain(items)))
    decoded = decode.decode(one.records)
    spoilt = decoded.events[4]
    for name, value in change.items():
        setattr(spoilt, name, value)
    decoded.minutes = decode.by_minute(decoded.events)
    consumer(batch(plain([event()], shard="shardId-000000000099")))  # opens the doors
    sent: list[Pointer] = []

    consumer.processes[-1].store.apply(one, decoded, lambda _, pointers: sent.extend(pointers))

    assert sent == [(*decoded.places[4], "database")]
    assert len(table.history()) == 8
    assert sum(row[1] for row in table.rows().values()) == 9 * 30


def test_a_stop_of_an_unknown_profile_counts_and_ends_as_one_pointer(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    stops = [event("stop") for _ in range(3)]
    table.add_profile(stops[1]["profile_id"], stops[1]["account_id"])
    records = packed(stops)

    metrics = consumer(batch(records))

    assert table.rows() == expected_rows(stops)
    assert len(table.history()) == 1
    assert cloud.pointers() == [
        pointer(records[0], "unknown_profile", 0),
        pointer(records[0], "unknown_profile", 2),
    ]
    assert (metrics["EventsDropped"], metrics["EventsRejected"]) == (2, 0)


def test_thousands_of_pointers_reach_the_queue(consumer: Consumer, cloud: Cloud) -> None:
    records = packed([b"{"] * 6000, per=1000)

    assert consumer(batch(records))["EventsRejected"] == 6000
    assert len(set(cloud.pointers())) == 6000


def _child(consumer: Consumer, one: playback.Event) -> int:
    """Run one invocation in a process of its own; returns its exit code."""
    child = os.fork()
    if child == 0:
        try:
            consumer(one)
        except BaseException:  # noqa: BLE001  nothing of pytest may run on in the child
            os._exit(99)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_record_that_kills_the_process_is_stepped_over_after_three_times(
    consumer: Consumer, table: Table, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deadly(records: Any) -> Decoded:
        if any(b"killer" in record.data for record in records):
            os._exit(70)
        return decode.decode(records)

    monkeypatch.setattr(ingest, "decode", deadly)
    before, killer = plain(events(3)), playback.record(event(title_id="killer"))
    assert _child(consumer, batch([*before, killer])) == 70  # Lambda halves this one
    assert _child(consumer, batch(before)) == 0
    assert [_child(consumer, batch([killer])) for _ in range(3)] == [70] * 3
    assert table.attempts() == [3]

    after = consumer(batch([killer]))

    assert cloud.pointers() == [pointer(killer, "killed_the_consumer")]
    assert after["EventsRejected"] == 1
    assert table.attempts() == []
    assert consumer(batch(plain(events(2))))["EventsIngested"] == 2
    assert _child(consumer, batch([killer])) == 0, "a replay of it is not looked at"


def test_an_error_of_our_own_on_one_record_blocks_nobody(
    consumer: Consumer, table: Table, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = playback.record(event())

    def broken(_: Any) -> Decoded:
        raise ZeroDivisionError

    with monkeypatch.context() as bug:
        bug.setattr(ingest, "decode", broken)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                consumer(batch([bad]))
        consumer(batch([bad]))

    assert cloud.pointers() == [pointer(bad, "killed_the_consumer")]
    assert table.watermarks() == {playback.SHARD: int(bad["kinesis"]["sequenceNumber"])}
