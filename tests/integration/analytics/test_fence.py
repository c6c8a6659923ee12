"""An event of somebody who is erased writes nothing about him, whenever it arrives."""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

import boto3
import psycopg2
import pytest

from streamflix import fence
from streamflix.errors import KeyUnavailable
from tests.playback import batch, event, expected_rows, packed, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.analytics.conftest import Cloud, Consumer, Table

KEY = b"k" * 32


class Graves:
    """Puts tombstones as the eraser does."""

    def __init__(self, table: Table) -> None:
        self._database = table.database
        kms: Any = boto3.client("kms")
        self.wrapped: bytes = kms.encrypt(
            KeyId=kms.create_key()["KeyMetadata"]["KeyId"],
            Plaintext=KEY,
            EncryptionContext=fence.context("test"),
        )["CiphertextBlob"]

    def dig(self, cursor: Any, *identifiers: str) -> None:
        cursor.execute(fence.ALONE)
        marks = [fence.mark(KEY, uuid.UUID(each)) for each in identifiers]
        cursor.execute(
            "UPDATE privacy.fence SET epoch = epoch + 1, wrapped_key = %s",
            (psycopg2.Binary(self.wrapped),),
        )
        for mark in marks:
            cursor.execute(
                "INSERT INTO privacy.tombstone (mark, epoch) SELECT %s, epoch FROM privacy.fence",
                (psycopg2.Binary(mark),),
            )

    def put(self, *identifiers: str) -> None:
        with self._database.master("privacy_erase") as cursor:
            self.dig(cursor, *identifiers)

    def clear(self) -> None:
        self._database.do(
            "privacy_owner",
            "TRUNCATE privacy.tombstone;UPDATE privacy.fence SET epoch = 0, wrapped_key = NULL",
        )


@pytest.fixture
def graves(table: Table) -> Iterator[Graves]:
    graves = Graves(table)
    graves.clear()
    yield graves
    graves.clear()


def stop_of(table: Table) -> dict[str, Any]:
    """The last event of a session whose profile exists."""
    stop = event("stop")
    table.add_profile(stop["profile_id"], stop["account_id"])
    return stop


@pytest.mark.parametrize("whose", ["account_id", "profile_id"])
@pytest.mark.parametrize("shape", [plain, packed])
def test_a_stop_of_an_erased_person_is_summed_up_and_not_written_down(
    consumer: Consumer, table: Table, cloud: Cloud, graves: Graves, whose: str, shape: Any
) -> None:
    erased, kept = stop_of(table), stop_of(table)
    graves.put(erased[whose])

    metrics = consumer(batch(shape([erased, kept])))

    assert [row[0] for row in table.history()] == [kept["profile_id"]]
    assert metrics["EventsDropped"] == 1
    assert metrics["EventsIngested"] == 2
    assert cloud.pointers() == []
    assert table.rows() == expected_rows([erased, kept])


def test_a_running_process_learns_of_new_tombstones(
    consumer: Consumer, table: Table, graves: Graves
) -> None:
    first, second = stop_of(table), stop_of(table)
    graves.put(first["account_id"])
    consumer(batch(plain([first])))
    graves.put(second["account_id"])

    consumer(batch(plain([second])))

    assert table.history() == []


def test_a_database_with_fewer_tombstones_is_another_one(
    consumer: Consumer, table: Table, graves: Graves
) -> None:
    """A restored copy: what the process knew of the old one says nothing about it."""
    stop = stop_of(table)
    graves.put(str(uuid.uuid4()))
    graves.put(stop["account_id"])
    consumer(batch(plain([stop])))
    graves.clear()
    graves.put(str(uuid.uuid4()))

    consumer(batch(plain([{**stop, "event_id": str(uuid.uuid4())}])))

    assert len(table.history()) == 1


def test_who_is_being_fenced_is_waited_for(
    consumer: Consumer, table: Table, graves: Graves
) -> None:
    stop = stop_of(table)
    with table.database.master("privacy_erase") as cursor:
        graves.dig(cursor, stop["account_id"])
        late = threading.Thread(target=consumer, args=(batch(plain([stop])),))
        late.start()
        late.join(1)
        assert late.is_alive()
    late.join(20)

    assert table.history() == []


def test_without_the_key_nothing_is_written(
    consumer: Consumer, table: Table, graves: Graves
) -> None:
    stop = stop_of(table)
    graves.wrapped = b"of a key that is gone"
    graves.put(stop["account_id"])

    with pytest.raises(KeyUnavailable):
        consumer(batch(plain([stop])), seconds=2)

    assert table.history() == []
    assert table.watermarks() == {}
