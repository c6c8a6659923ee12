"""Connections that outlive their invocation, over TLS that is checked."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from streamflix.addresses import AddressBook
from streamflix.errors import (
    CredentialsRefused,
    DatabaseUnreachable,
    DataRefused,
    StatementRefused,
)
from streamflix.postgres import Postgres
from streamflix.secrets import Secret
from tests.integration.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.conftest import Database, Servers


class Entries:
    """The address book and the secret, in memory."""

    def __init__(self, servers: Servers, database: Database) -> None:
        self.writer = servers.postgres.writer
        self.reader = servers.postgres.reader
        login = database.login("analytics")
        self.secret = {"username": login.username, "password": login.password}
        self.looks = 0

    def get_parameters(self, *, Names: list[str]) -> dict[str, Any]:  # noqa: N803
        self.looks += 1
        values = {"writer": self.writer, "reader": self.reader, "epoch": "1"}
        return {
            "Parameters": [{"Name": name, "Value": values[name.split("/")[-1]]} for name in Names]
        }

    def get_secret_value(self, **_: str) -> dict[str, Any]:
        return {"SecretString": json.dumps(self.secret)}


@pytest.fixture
def entries(servers: Servers, database: Database) -> Entries:
    return Entries(servers, database)


@pytest.fixture
def connect(entries: Entries, servers: Servers) -> Iterator[Callable[..., Postgres]]:
    made: list[Postgres] = []

    def make(endpoint: Any = "writer", *, ttl_seconds: float = 30, **options: Any) -> Postgres:
        postgres = Postgres(
            AddressBook("/x", client=entries, ttl_seconds=ttl_seconds),
            endpoint,
            Secret("arn", client=entries, sleep=lambda _: None),
            application_name="core-test",
            **{"ca_file": servers.ca, **options},
        )
        made.append(postgres)
        return postgres

    yield make
    for postgres in made:
        postgres.close()


def one(postgres: Postgres, query: str) -> Any:
    with postgres.transaction() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
        assert row
        return row[0]


PID = "SELECT pg_backend_pid()"


def test_a_connection_is_kept(connect: Callable[..., Postgres], entries: Entries) -> None:
    postgres = connect()
    assert one(postgres, PID) == one(postgres, PID)
    assert entries.looks == 1


def test_a_connection_is_ours_and_encrypted(connect: Callable[..., Postgres]) -> None:
    postgres = connect()
    assert postgres.connection().info.ssl_in_use
    assert one(postgres, "SELECT current_setting('application_name')") == "core-test"
    assert one(postgres, "SELECT current_user") == "analytics_rw"
    assert one(postgres, "SELECT current_setting('statement_timeout')") == "10s"
    assert one(postgres, "SELECT current_setting('idle_in_transaction_session_timeout')") == "30s"


def test_the_reader_only_reads(connect: Callable[..., Postgres]) -> None:
    assert one(connect("reader"), "SELECT pg_is_in_recovery()") is True


def test_a_dead_connection_is_noticed_before_it_is_used(
    connect: Callable[..., Postgres], entries: Entries
) -> None:
    with Tap(entries.writer) as tap:
        entries.writer = tap.address
        postgres = connect()
        before = one(postgres, PID)
        tap.cut()
        assert one(postgres, PID) != before
    assert entries.looks == 2, "the address is looked up again"


def test_a_connection_that_answers_is_given_up_when_the_book_leads_elsewhere(
    connect: Callable[..., Postgres], entries: Entries
) -> None:
    there, entries.reader = entries.reader, entries.writer
    postgres = connect("reader", ttl_seconds=0)
    assert one(postgres, "SELECT pg_is_in_recovery()") is False

    entries.reader = there

    assert one(postgres, "SELECT pg_is_in_recovery()") is True


def test_work_that_was_left_open_is_rolled_back(connect: Callable[..., Postgres]) -> None:
    postgres = connect()
    connection = postgres.connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_current()")

    assert postgres.connection() is connection
    assert connection.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_IDLE


def test_a_failed_transaction_leaves_nothing(connect: Callable[..., Postgres]) -> None:
    postgres = connect(prepare="CREATE TEMPORARY TABLE t (n int UNIQUE)")
    with contextlib.suppress(ZeroDivisionError), postgres.transaction() as cursor:
        cursor.execute("INSERT INTO t VALUES (1)")
        raise ZeroDivisionError

    assert one(postgres, "SELECT count(*) FROM t") == 0


@pytest.mark.parametrize(
    ("statement", "meaning", "words"),
    [
        ("INSERT INTO t VALUES (7), (7)", DataRefused, "23505 UNIQUE_VIOLATION (t_n_key)"),
        ("SELECT 'anna@example.org'::int", DataRefused, "22P02 INVALID_TEXT_REPRESENTATION"),
        ("SELECT FROM nowhere", StatementRefused, '42P01 relation "nowhere" does not exist'),
        ("SELECT FROM app.account", StatementRefused, "42501 permission denied"),
        ("SET statement_timeout = 1; SELECT pg_sleep(1)", StatementRefused, "57014"),
    ],
)
def test_errors_of_the_driver_get_a_meaning_and_lose_their_values(
    connect: Callable[..., Postgres], statement: str, meaning: type[Exception], words: str
) -> None:
    postgres = connect(prepare="CREATE TEMPORARY TABLE t (n int UNIQUE)")

    with pytest.raises(meaning) as failure, postgres.transaction() as cursor:
        cursor.execute(statement)

    assert words in str(failure.value)
    assert "anna" not in str(failure.value)
    assert failure.value.__cause__ is None
    assert one(postgres, "SELECT 1") == 1


def test_a_connection_that_is_lost_in_a_transaction_is_an_outage(
    connect: Callable[..., Postgres], entries: Entries
) -> None:
    with Tap(entries.writer) as tap:
        entries.writer = tap.address
        postgres = connect()

        def work() -> None:
            with postgres.transaction() as cursor:
                tap.cut()
                cursor.execute("SELECT 1")

        with pytest.raises(DatabaseUnreachable):
            work()
        assert one(postgres, "SELECT 1") == 1


def test_a_connection_that_closed_itself_is_made_again(connect: Callable[..., Postgres]) -> None:
    postgres = connect()
    postgres.connection().close()
    assert one(postgres, "SELECT 1") == 1


def test_what_a_connection_needs_and_does_not_get_has_a_meaning(
    connect: Callable[..., Postgres],
) -> None:
    with pytest.raises(StatementRefused, match="42501"):
        connect(prepare="CREATE TABLE app.mine (n int)").connection()


def test_another_authority_is_not_trusted(
    connect: Callable[..., Postgres], tmp_path: Path, entries: Entries
) -> None:
    stranger = tmp_path / "ca.pem"
    stranger.write_text("")

    with pytest.raises(DatabaseUnreachable):
        connect(ca_file=stranger).connection()
    assert entries.looks == 2


def test_another_name_is_not_trusted(connect: Callable[..., Postgres], entries: Entries) -> None:
    """127.0.0.9 leads to the writer as well, but its certificate does not say so."""
    with Tap(entries.writer, host="127.0.0.9") as tap:
        entries.writer = tap.address
        with pytest.raises(DatabaseUnreachable, match=r"does not match host"):
            connect().connection()


def test_a_refused_login_is_not_called_an_outage(
    connect: Callable[..., Postgres], entries: Entries
) -> None:
    entries.secret["password"] = "guessed"
    with pytest.raises(CredentialsRefused) as refusal:
        connect().connection()

    assert "guessed" not in str(refusal.value)


def test_a_login_that_may_not_log_in_is_refused(
    connect: Callable[..., Postgres], entries: Entries, database: Database
) -> None:
    database.do("", "ALTER ROLE privacy NOLOGIN")
    login = database.login("privacy")
    entries.secret = {"username": login.username, "password": login.password}
    try:
        with pytest.raises(CredentialsRefused):
            connect().connection()
    finally:
        database.do("", "ALTER ROLE privacy LOGIN")


def test_after_a_refused_login_the_address_is_read_again(
    connect: Callable[..., Postgres], entries: Entries
) -> None:
    """A cutover keeps everybody out of the cluster that it leaves, and notes the new address."""
    entries.secret["password"] = "guessed"
    postgres = connect()
    for _ in range(2):
        with pytest.raises(CredentialsRefused):
            postgres.connection()

    assert entries.looks == 2


def test_a_driver_that_cannot_even_try_is_an_outage(
    connect: Callable[..., Postgres], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamflix.postgres.TCP", {"unheard_of": 1})

    with pytest.raises(DatabaseUnreachable, match="unheard_of"):
        connect().connection()


def ask(postgres: Postgres, hang: Callable[[], None]) -> None:
    with postgres.transaction() as cursor:
        hang()
        cursor.execute("SELECT 1")


@pytest.mark.parametrize("ask_for", [PID, None], ids=["pinged", "in a transaction"])
def test_a_server_that_hangs_is_given_up_by_whoever_cannot_wait(
    connect: Callable[..., Postgres], entries: Entries, ask_for: str | None
) -> None:
    with Tap(entries.writer) as tap:
        entries.writer = tap.address
        postgres = connect(answer_seconds=0.5)
        one(postgres, PID)

        def hang() -> None:
            tap.mute = tap.silent = True

        if ask_for:
            hang()
        began = time.monotonic()
        with pytest.raises(DatabaseUnreachable):
            one(postgres, ask_for) if ask_for else ask(postgres, hang)

    # After a ping two attempts to connect follow; libpq gives each two seconds at least.
    assert 0.4 < time.monotonic() - began < (8 if ask_for else 2)


def test_a_server_that_answers_in_time_is_left_alone(connect: Callable[..., Postgres]) -> None:
    postgres = connect(answer_seconds=0.3)
    first = one(postgres, PID)
    time.sleep(0.5)  # longer than it has to answer: nobody waits for it now
    assert one(postgres, PID) == first
