"""The order of steps, with everything outside of the process in memory."""

from __future__ import annotations

from typing import Any

import pytest

from analytics import ingest as room
from analytics.decode import Decoded, Pointer
from analytics.envelope import Batch
from analytics.ingest import Doors, ingest
from analytics.store import Applied
from streamflix.deadline import Deadline
from streamflix.errors import AddressMalformed, DatabaseUnreachable, DataRefused
from tests import playback


class Store:
    """Attempts and batches in memory."""

    def __init__(self) -> None:
        self.begun = 0
        self.counted_before = False
        self.applied: list[Decoded] = []
        self.trouble: list[Exception] = []
        self.deaf = False

    def begin(self, batch: Batch) -> int:
        if self.counted_before:
            return 0
        self.begun += 1
        return self.begun

    def call_off(self, batch: Batch) -> None:
        if self.deaf:
            raise DatabaseUnreachable("away")
        self.begun -= 1

    def apply(self, batch: Batch, decoded: Decoded, put_on_record: Any) -> Applied:
        if self.trouble:
            raise self.trouble.pop()
        self.applied.append(decoded)
        if decoded.rejected:
            put_on_record(batch.shard, decoded.rejected)
        return Applied(len(decoded.events), 2, decoded.rejected)


class Viewers:
    def __init__(self) -> None:
        self.up = True

    def add(self, events: Any, accounts: bytes) -> bool:
        return self.up


class Rejects:
    def __init__(self) -> None:
        self.sent: list[Pointer] = []

    def send(self, shard: Any, pointers: Any) -> None:
        self.sent += pointers


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def doors(store: Store) -> Doors:
    fake: Any = store
    return Doors(fake, Viewers(), Rejects(), clock=lambda: playback.NOON.timestamp() + 1.5)


def of(*items: playback.Event | bytes) -> Batch:
    return Batch.from_event(playback.batch(playback.plain(items)))


SOON = Deadline(0.0, 0.0, lambda: 0.0)  # no time to wait for anything


def test_an_outcome_is_numbers(doors: Doors) -> None:
    doors.viewers.up = False  # type: ignore[attr-defined]
    outcome = ingest(of(playback.event(), b"{", playback.event()), doors, SOON)

    assert outcome.metrics() == {
        "EventsIngested": 2,
        "EventsRejected": 1,
        "EventsDropped": 0,
        "EventsDuplicated": 2,
        "ConsumerLagMs": 1500,
        "ViewerBatchesMissed": 1,
    }


def test_a_stop_of_an_unknown_profile_is_dropped_and_not_rejected(doors: Doors) -> None:
    applied = Applied(5, 0, [Pointer(1, None, "unknown_profile"), Pointer(2, 0, "invalid")])
    metrics = room.Outcome(applied, 0, viewers_missed=False).metrics()

    assert (metrics["EventsDropped"], metrics["EventsRejected"]) == (1, 1)
    assert metrics["ViewerBatchesMissed"] == 0


def test_only_a_batch_of_one_record_is_an_attempt(doors: Doors, store: Store) -> None:
    ingest(of(playback.event(), playback.event()), doors, SOON)
    assert store.begun == 0
    ingest(of(playback.event()), doors, SOON)
    assert store.begun == 1


def test_a_record_that_was_begun_three_times_is_stepped_over(
    doors: Doors, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_: Any) -> None:
        raise SystemExit("killed")

    killer = of(playback.event())
    monkeypatch.setattr(room, "decode", die)
    for _ in range(3):
        with pytest.raises(SystemExit):
            ingest(killer, doors, SOON)

    ingest(killer, doors, SOON)

    assert not store.applied[-1].events
    assert doors.rejects.sent == [  # type: ignore[attr-defined]
        (killer.last, None, "killed_the_consumer")
    ]


def test_a_record_that_was_counted_before_is_not_looked_at(
    doors: Doors, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_: Any) -> None:
        raise SystemExit("killed")

    monkeypatch.setattr(room, "decode", die)
    store.counted_before = True

    metrics = ingest(of(playback.event()), doors, SOON).metrics()

    assert store.applied == []
    assert (metrics["EventsIngested"], metrics["ConsumerLagMs"]) == (0, 1500)


def test_an_error_of_our_own_counts_against_a_record_like_a_death(
    doors: Doors, store: Store
) -> None:
    store.trouble = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        ingest(of(playback.event()), doors, SOON)
    assert store.begun == 1


def test_a_value_that_the_database_refuses_at_the_last_moment_counts_against_its_record(
    doors: Doors, store: Store
) -> None:
    store.trouble = [DataRefused("23514")]
    with pytest.raises(DataRefused):
        ingest(of(playback.event()), doors, SOON)
    assert store.begun == 1


def test_a_broken_set_up_does_not_count_against_a_record(doors: Doors, store: Store) -> None:
    store.trouble = [AddressMalformed("writer")]
    with pytest.raises(AddressMalformed):
        ingest(of(playback.event()), doors, SOON)
    assert store.begun == 0


@pytest.mark.parametrize("deaf", [False, True])
def test_an_outage_does_not_count_against_a_record(doors: Doors, store: Store, deaf: bool) -> None:
    store.trouble, store.deaf = [DatabaseUnreachable("away")], deaf

    with pytest.raises(DatabaseUnreachable):
        ingest(of(playback.event()), doors, SOON)

    assert store.begun == (1 if deaf else 0)


def test_an_outage_of_a_larger_batch_is_raised(doors: Doors, store: Store) -> None:
    store.trouble = [DatabaseUnreachable("away")]
    with pytest.raises(DatabaseUnreachable):
        ingest(of(playback.event(), playback.event()), doors, SOON)
    assert store.begun == 0
