"""Infrastructure goes and comes back; events neither get lost nor count twice."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from analytics import consume
from analytics.decode import decode
from analytics.envelope import Batch
from analytics.errors import RejectsUnreachable
from analytics.ingest import ingest
from analytics.settings import Settings
from analytics.store import Store
from streamflix import fence, settings
from streamflix.deadline import Deadline
from streamflix.errors import (
    CredentialsRefused,
    DatabaseUnreachable,
    EpochMoved,
    Retryable,
    StatementRefused,
)
from tests import playback
from tests.eventually import eventually
from tests.integration.conftest import Login
from tests.integration.tap import Tap
from tests.playback import batch, event, events, expected_rows, packed, plain, pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.analytics.conftest import Cloud, Consumer, Table
    from tests.integration.conftest import Database, Servers

SOON = 0.5
"""Seconds after which a test mends what it broke."""


@contextmanager
def meanwhile(act: Callable[[], Any], after: float = SOON) -> Iterator[None]:
    timer = threading.Timer(after, act)
    timer.start()
    try:
        yield
    finally:
        timer.join()


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


@pytest.fixture
def password(database: Database) -> Iterator[Callable[[str], Login]]:
    """Changes the password of login `analytics`; it is what it was afterwards."""

    def change(new: str) -> Login:
        database.do("", "ALTER ROLE analytics PASSWORD %s", [new])
        return Login("analytics", new)

    yield change
    change(database.login("analytics").password)


def end_sessions(consumer: Consumer) -> None:
    for process in consumer.processes:
        process.store._postgres.close()


def test_after_a_rotation_the_secret_is_read_again(
    consumer: Consumer,
    table: Table,
    cloud: Cloud,
    password: Callable[[str], Login],
) -> None:
    items = events(60)
    consumer(batch(plain(items[:30])))

    cloud.promote(os.environ["DATABASE_SECRET_ARN"], password("analytics-2"))
    end_sessions(consumer)
    consumer(batch(plain(items[30:])))

    assert table.rows() == expected_rows(items)


def test_in_the_middle_of_a_rotation_the_pending_password_serves(
    consumer: Consumer, table: Table, cloud: Cloud, password: Callable[[str], Login]
) -> None:
    items = events(60)
    consumer(batch(plain(items[:30])))

    cloud.propose(os.environ["DATABASE_SECRET_ARN"], password("analytics-3"))
    end_sessions(consumer)
    consumer(batch(plain(items[30:])))

    assert table.rows() == expected_rows(items)


def test_a_password_that_nobody_wrote_down_is_refused_in_time(
    consumer: Consumer, table: Table, password: Callable[[str], Login]
) -> None:
    password("changed by hand")

    with pytest.raises(CredentialsRefused) as refusal:
        consumer(batch(plain(events(3))), seconds=2)

    assert "analytics-1" not in str(refusal.value)
    assert table.rows() == {}


def test_another_epoch_is_refused_until_the_database_is_released(
    consumer: Consumer, table: Table, cloud: Cloud, database: Database
) -> None:
    items = events(30)
    one = batch(plain(items))
    cloud.note("epoch", "2")

    with pytest.raises(EpochMoved):
        consumer(one, seconds=1)
    with pytest.raises(EpochMoved):
        consumer(batch([playback.record(event())]), seconds=1)
    assert table.everything() == [{}, [], [], []]

    with meanwhile(lambda: cloud.note("epoch", "1")):
        consumer(one)
    assert table.rows() == expected_rows(items)


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


def test_an_invocation_that_lambda_gave_up_on_may_still_finish(
    consumer: Consumer, table: Table
) -> None:
    """It holds the shard; the next one waits, and then finds the same batch counted."""
    items = events(60)
    consumer(batch(plain(items[:1])))  # the shard has a watermark, and the doors are open
    one = batch([*packed(items[1:]), playback.record(b"{")])
    inside, leave = threading.Event(), threading.Event()

    def hold_up(*_: Any) -> None:
        inside.set()
        leave.wait(10)

    slow = consume.doors.__wrapped__(settings.cached(Settings))
    parsed = Batch.from_event(one)
    decoded = decode(parsed.records)
    first = threading.Thread(target=slow.store.apply, args=(parsed, decoded, hold_up))
    first.start()
    assert inside.wait(10)
    with meanwhile(leave.set, 1.0):
        second = consumer(one)
    first.join()

    assert second["EventsIngested"] == 0
    assert table.rows() == expected_rows(items)


def test_a_missing_grant_is_an_error_that_says_so(
    consumer: Consumer, table: Table, database: Database
) -> None:
    database.do("analytics_owner", "REVOKE INSERT ON analytics.title_minute FROM analytics_rw")
    try:
        with pytest.raises(StatementRefused, match=r"42501.*title_minute"):
            consumer(batch(plain(events(3))), seconds=1)
    finally:
        database.do("analytics_owner", "GRANT INSERT ON analytics.title_minute TO analytics_rw")
    assert table.watermarks() == {}


def test_four_shards_that_write_the_same_minutes_do_not_get_into_each_others_way(
    consumer: Consumer, table: Table, database: Database, servers: Servers
) -> None:
    env = settings.cached(Settings)
    waits = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = database.rows("", waits)
    items = [events(1500, seed=shard, titles=300) for shard in range(4)]

    def work(shard: int) -> None:
        doors = consume.doors.__wrapped__(env)  # a process of its own
        name = f"shardId-{shard:012d}"
        records = packed(items[shard], per=25, shard=name)
        for start in range(0, len(records), 10):
            one = Batch.from_event(batch(records[start : start + 10]))
            ingest(one, doors, Deadline.of(Patience()))

    threads = [threading.Thread(target=work, args=(shard,)) for shard in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert table.rows() == expected_rows(item for shard in items for item in shard)
    assert len(table.watermarks()) == 4
    assert database.rows("", waits) == before
    assert "waiting for infrastructure" not in consumer.capsys.readouterr().out


class Patience:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


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


def test_while_pointers_are_sent_other_shards_count_the_same_minute(
    consumer: Consumer, table: Table
) -> None:
    items = [event(), event(), event()]
    other = {"shard": "shardId-000000000001"}
    consumer(batch(plain(items[:1], **other)))  # opens the doors
    slow = consume.doors.__wrapped__(settings.cached(Settings))
    one = Batch.from_event(batch([*plain(items[1:2]), playback.record(b"{")]))
    sent = []

    def send(_: Any, pointers: Any) -> None:
        sent.extend(pointers)
        assert consumer(batch(plain(items[2:], **other)), seconds=3)["EventsIngested"] == 1

    slow.store.apply(one, decode(one.records), send)

    assert len(sent) == 1
    assert table.rows() == expected_rows(items)


def test_an_epoch_that_moved_while_the_fence_was_waited_for_is_seen(
    consumer: Consumer, table: Table, database: Database
) -> None:
    consumer(batch(plain([event()])))
    before = table.everything()
    result: list[Any] = []

    def write() -> None:
        try:
            result.append(consumer(batch(plain(events(3))), seconds=1))
        except EpochMoved as error:
            result.append(error)

    writer = threading.Thread(target=write)
    try:
        with database.master() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (fence.LOCK,))
            writer.start()
            waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            eventually(lambda: database.rows("", waiting), within=5)
            cursor.execute("SET LOCAL ROLE ops_owner; UPDATE ops.epoch SET epoch = 2")
        writer.join(30)
        assert [type(what) for what in result] == [EpochMoved]
        assert table.everything() == before
    finally:
        database.do("ops_owner", "UPDATE ops.epoch SET epoch = 1")


def test_a_database_without_an_epoch_is_not_written_to(
    consumer: Consumer, table: Table, database: Database
) -> None:
    database.do("ops_owner", "DELETE FROM ops.epoch")
    try:
        with pytest.raises(EpochMoved):
            consumer(batch(plain(events(3))), seconds=1)
    finally:
        database.do("ops_owner", "INSERT INTO ops.epoch (epoch) VALUES (1)")
    assert table.everything() == [{}, [], [], []]
