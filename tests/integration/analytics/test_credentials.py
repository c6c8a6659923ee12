"""What the database lets in changes: passwords and grants."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from analytics import deltas
from streamflix.errors import (
    CredentialsRefused,
    StatementRefused,
)
from tests.integration.conftest import Login
from tests.playback import batch, events, expected_rows, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.analytics.conftest import Cloud, Consumer, Table
    from tests.integration.conftest import Database


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


def test_a_missing_grant_is_an_error_that_says_so(
    consumer: Consumer, table: Table, database: Database
) -> None:
    parts = ", ".join(f"analytics.title_delta_{number}" for number in range(deltas.TABLES))
    database.do("analytics_owner", f"REVOKE INSERT ON {parts} FROM analytics_rw")
    try:
        with pytest.raises(StatementRefused, match=r"42501.*title_delta"):
            consumer(batch(plain(events(3))), seconds=1)
    finally:
        database.do("analytics_owner", f"GRANT INSERT ON {parts} TO analytics_rw")
    assert table.watermarks() == {}
