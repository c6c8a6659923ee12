"""Infrastructure goes and comes back; events neither get lost nor count twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from analytics.errors import RejectsUnreachable
from analytics.store import Store
from streamflix.errors import (
    DatabaseUnreachable,
    Retryable,
)
from tests import playback
from tests.integration.analytics.conftest import meanwhile
from tests.integration.tap import Tap
from tests.playback import batch, event, events, expected_rows, plain, pointer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.analytics.conftest import Cloud, Consumer, Table
    from tests.integration.conftest import Database, Servers


@pytest.fixture
def tap(consumer: Consumer, cloud: Cloud, servers: Servers) -> Iterator[Tap]:
    """The address book leads to the writer through here."""
    with Tap(servers.postgres.writer) as tap:
        cloud.note("writer", tap.address)
        yield tap


def test_a_connection_that_was_cut_between_batches_is_made_again(
    consumer: Consumer, table: Table, tap: Tap
) -> None:
    items = events(90)
    for start in range(0, 90, 30):
        consumer(batch(plain(items[start : start + 30])))
        tap.cut()

    assert table.rows() == expected_rows(items)


def test_backends_that_the_server_ended_are_made_again(
    consumer: Consumer, table: Table, database: Database
) -> None:
    items = events(60)
    consumer(batch(plain(items[:30])))
    database.rows(
        "",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'streamflix-analytics-consume'",
    )
    consumer(batch(plain(items[30:])))

    assert table.rows() == expected_rows(items)


@pytest.mark.parametrize("warm", [False, True])
def test_a_database_that_comes_back_in_time_is_waited_for(
    consumer: Consumer, table: Table, tap: Tap, warm: bool
) -> None:
    items = events(60)
    if warm:
        consumer(batch(plain(items[:30])))
    tap.close()

    with meanwhile(lambda: setattr(tap, "closed", False)):
        consumer(batch(plain(items if not warm else items[30:])))

    assert table.rows() == expected_rows(items)


def test_a_database_that_stays_away_is_an_error_in_time_and_loses_nothing(
    consumer: Consumer, table: Table, tap: Tap
) -> None:
    items = events(30)
    one = batch(plain(items))
    tap.close()

    with pytest.raises(DatabaseUnreachable):
        consumer(one, seconds=1)

    tap.closed = False
    consumer(one)
    assert table.rows() == expected_rows(items)


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_connection_that_is_lost_at_any_step_loses_nothing_and_repeats_nothing(
    consumer: Consumer, table: Table, tap: Tap, lost: str
) -> None:
    """Cut at each message of a batch in turn, the commit included."""
    items = events(10)
    consumer(batch(plain(items)))
    cuts = 0
    for step in range(1, 40):
        tap.light_fuse(step, pass_on=lost == "answer")
        more = [event(), event()]
        items += more
        consumer(batch(plain(more)))
        if tap.burning():
            break  # the whole batch took fewer messages than this
        cuts += 1

    assert cuts > 6
    assert table.rows() == expected_rows(items)


def test_a_wrong_address_is_read_again(
    consumer: Consumer, table: Table, cloud: Cloud, servers: Servers
) -> None:
    """First an address where nobody listens, then a reader, at last the writer."""
    items = events(30)
    with Tap(servers.postgres.writer) as nobody:
        nobody.close()
        cloud.note("writer", nobody.address)
        with (
            meanwhile(lambda: cloud.note("writer", servers.postgres.reader), 0.3),
            meanwhile(lambda: cloud.note("writer", servers.postgres.writer), 0.9),
        ):
            consumer(batch(plain(items)))

    assert table.rows() == expected_rows(items)


def test_a_reader_is_never_taken_for_the_writer(
    consumer: Consumer, table: Table, cloud: Cloud, servers: Servers
) -> None:
    cloud.note("writer", servers.postgres.reader)

    with pytest.raises(DatabaseUnreachable, match=r"read-only|hot standby"):
        consumer(batch(plain(events(3))), seconds=1)

    assert table.rows() == {}


def test_a_queue_that_takes_nothing_holds_the_batch_back(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    items, bad = events(30), playback.record(b"{")
    one = batch([*plain(items), bad])
    cloud.remove_queue()

    with pytest.raises(RejectsUnreachable):
        consumer(one, seconds=1)
    assert table.rows() == {}

    cloud.restore_queue()
    consumer(one)
    assert table.rows() == expected_rows(items)
    assert cloud.pointers() == [pointer(bad, "undecodable")]


@pytest.mark.parametrize("deaf", [False, True])
def test_outages_never_make_a_pointer_of_a_good_record(
    consumer: Consumer, table: Table, cloud: Cloud, tap: Tap, deaf: bool
) -> None:
    """Begun alone and broken off six times by an outage, it is still counted."""
    item = event()
    bad = playback.record(playback.aggregated([item, b"{"]))
    for _ in range(6):
        cloud.remove_queue()
        with meanwhile(tap.close if deaf else lambda: None, 0.5), pytest.raises(Retryable):
            consumer(batch([bad]), seconds=1)
        tap.closed = False
        cloud.restore_queue()

    consumer(batch([bad]))

    assert table.rows() == expected_rows([item])
    assert cloud.pointers() == [pointer(bad, "undecodable", 1)]
    assert table.attempts() == []


@pytest.mark.parametrize("answers", [1, 3, 6])
def test_lost_answers_to_its_beginning_do_not_count_against_a_record(
    consumer: Consumer,
    table: Table,
    cloud: Cloud,
    tap: Tap,
    monkeypatch: pytest.MonkeyPatch,
    answers: int,
) -> None:
    consumer(batch(plain([event(), event()])))
    settle, left = Store._settle, [None] * answers

    def settle_and_cut(store: Store, cursor: Any) -> None:
        settle(store, cursor)
        if left:
            left.pop()
            tap.light_fuse(2, pass_on=True)  # the attempt, then its commit

    monkeypatch.setattr(Store, "_settle", settle_and_cut)
    metrics = consumer(batch(plain([event()])))

    assert left == []
    assert metrics["EventsIngested"] == 1
    assert cloud.pointers() == []
    assert table.attempts() == []
