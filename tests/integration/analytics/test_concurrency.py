"""Two that count at once do not get into each other's way, and count once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from analytics import consume
from analytics.decode import decode
from analytics.envelope import Batch
from analytics.ingest import ingest
from analytics.settings import Settings
from streamflix import settings
from streamflix.deadline import Deadline
from tests import playback
from tests.integration.analytics.conftest import meanwhile
from tests.playback import batch, event, events, expected_rows, packed, plain

if TYPE_CHECKING:
    from tests.integration.analytics.conftest import Consumer, Table
    from tests.integration.conftest import Database, Servers


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
