"""The consumer writes to the database of its epoch, and to no other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from streamflix import fence
from streamflix.errors import EpochMoved
from tests import playback
from tests.eventually import eventually
from tests.integration.analytics.conftest import meanwhile
from tests.playback import batch, event, events, expected_rows, plain

if TYPE_CHECKING:
    from tests.integration.analytics.conftest import Cloud, Consumer, Table
    from tests.integration.conftest import Database


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
