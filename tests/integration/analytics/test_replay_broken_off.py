"""A replay that is broken off anywhere goes on from the watermarks and loses nothing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from analytics import catchup, ingest, store
from analytics import stream as reading
from streamflix.errors import DatabaseUnreachable, DataRefused
from tests.integration.analytics.restored import (
    KilledError,
    Replay,
    Source,
    dies_at,
    now,
    spied,
)
from tests.playback import events, expected_rows

if TYPE_CHECKING:
    from tests import playback
    from tests.integration.analytics.conftest import Cloud, Table


def test_a_crash_between_two_batches_loses_nothing(
    call: Replay,
    table: Table,
    lost: list[playback.Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "RECORDS_PER_READ", 30)
    counted = dies_at(monkeypatch, (catchup._Replay, "_ingest"), 3)

    with pytest.raises(KilledError):
        call()

    assert len(counted) >= 3
    assert expected_rows(lost[:300]) != table.rows() != expected_rows(lost)
    assert call()["done"]
    assert table.rows() == expected_rows(lost)


@pytest.mark.parametrize("at", [(store, "_copy"), (store, "sift"), (ingest, "decode")])
def test_a_crash_within_a_batch_makes_the_next_one_go_record_by_record(
    call: Replay,
    table: Table,
    lost: list[playback.Event],
    monkeypatch: pytest.MonkeyPatch,
    at: tuple[Any, str],
) -> None:
    dies_at(monkeypatch, at, 1)
    with pytest.raises(KilledError):
        call()
    begun = table.attempts()
    assert begun
    assert set(begun) == {1}

    alone = spied(monkeypatch, (catchup._Replay, "_count_alone"))
    assert call()["done"]

    assert len(alone) > 30
    assert table.rows() == expected_rows(lost)
    assert table.attempts() == []


def test_a_record_that_kills_the_replay_is_stepped_over_by_the_fifth(
    call: Replay,
    table: Table,
    lost: list[playback.Event],
    source: Source,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killer = source.put([b"kills"])[0]
    more = events(40, seed=3, at=now())
    source.put(more)
    real = ingest.decode

    def decode(records: Any) -> Any:
        if any(record.data == b"kills" for record in records):
            raise KilledError
        return real(records)

    monkeypatch.setattr(ingest, "decode", decode)
    for _ in range(4):
        with pytest.raises(KilledError):
            call()

    told = call()

    assert told["done"]
    assert cloud.pointers() == [(killer, None, "killed_the_consumer")]
    assert table.rows() == expected_rows(lost + more)
    assert table.attempts() == []


def test_a_batch_that_the_database_refuses_as_a_whole_goes_record_by_record(
    call: Replay, table: Table, lost: list[playback.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.Store.apply

    def apply(self: Any, batch: Any, *rest: Any) -> Any:
        if len(batch.records) > 1:
            raise DataRefused("23514 of something that is checked at the end")
        return real(self, batch, *rest)

    monkeypatch.setattr(store.Store, "apply", apply)

    assert call()["done"]
    assert table.rows() == expected_rows(lost)
    assert table.attempts() == []


def test_an_outage_is_no_records_fault_and_the_next_replay_goes_on(
    call: Replay, table: Table, lost: list[playback.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, away = store.Store.apply, threading.Event()

    def apply(self: Any, *what: Any) -> Any:
        if away.is_set():
            raise DatabaseUnreachable("away")
        return real(self, *what)

    monkeypatch.setattr(store.Store, "apply", apply)
    away.set()
    with pytest.raises(DatabaseUnreachable):
        call(seconds=1)
    assert table.attempts() == []
    assert table.rows() == expected_rows(lost[:300])

    away.clear()
    call()

    assert table.rows() == expected_rows(lost)


def test_a_replay_whose_time_is_used_up_says_so_and_the_next_one_goes_on(
    call: Replay, table: Table, lost: list[playback.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five reads a second and shard: a second is too short for a shard's 90 records."""
    monkeypatch.setattr(reading, "RECORDS_PER_READ", 10)

    told = [call(seconds=1)]
    while not told[-1]["done"] and len(told) < 20:
        told.append(call(seconds=1))

    assert not told[0]["done"]
    assert told[0]["shards"] < 2
    assert told[0]["ingested"] > 0
    assert told[0]["behindSeconds"] > 0
    assert sum(each["ingested"] for each in told) == 600
    assert table.rows() == expected_rows(lost)
