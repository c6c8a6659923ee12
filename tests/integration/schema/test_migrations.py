"""Migrations on a real PostgreSQL 16, as a master that is no superuser."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import psycopg2
import pytest

from schema import migrations, turn
from schema.errors import HistoryDiffers, SchemaBlocked, SchemaRefused
from schema.migrations import Migration, apply, load
from streamflix.errors import DatabaseUnreachable
from tests.eventually import eventually
from tests.integration.schema.conftest import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2 import extensions

    from tests.integration.schema.conftest import Cluster

PACKAGE = load()
NAMES = [migration.name for migration in PACKAGE]
NEXT = f"{len(PACKAGE) + 1:04d}_made_by_a_test"


def migration(version: int, sql: str) -> Migration:
    digest = hashlib.sha256(sql.encode()).hexdigest()
    return Migration(version, f"{version:04d}_made_by_a_test", digest, sql)


def with_one_more(sql: str) -> list[Migration]:
    return [*PACKAGE, migration(len(PACKAGE) + 1, sql)]


def ledger(connection: extensions.connection) -> list[tuple[int, str, str]]:
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT version, name, sha256 FROM ops.migration ORDER BY version")
        return cursor.fetchall()


def rows(migrations: Sequence[Migration]) -> list[tuple[int, str, str]]:
    return [(step.version, step.name, step.sha256) for step in migrations]


def test_master_is_no_superuser_or_these_tests_prove_nothing(connection) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = session_user"
        )
        assert cursor.fetchone() == (False, True, True)


def test_an_empty_database_gets_every_migration_and_its_row(connection) -> None:
    assert apply(connection, PACKAGE) == NAMES

    assert ledger(connection) == rows(PACKAGE)


def test_a_second_run_does_nothing(connection) -> None:
    apply(connection, PACKAGE)

    assert apply(connection, PACKAGE) == []
    assert ledger(connection) == rows(PACKAGE)


def test_six_runs_at_once_apply_each_migration_once(
    cluster: Cluster, empty: str, connection
) -> None:
    connections = [cluster.connect(empty) for _ in range(6)]

    results = together(6, lambda number: apply(connections[number], PACKAGE))

    assert sorted(name for result in results for name in result) == NAMES
    assert ledger(connection) == rows(PACKAGE)
    for one in connections:
        one.close()


def test_an_edited_migration_is_refused_by_name(connection) -> None:
    apply(connection, PACKAGE)
    edited = [*PACKAGE[:-1], migration(len(PACKAGE), "SELECT 1")]
    edited[-1] = Migration(edited[-1].version, NAMES[-1], edited[-1].sha256, edited[-1].sql)

    with pytest.raises(HistoryDiffers, match=f"^{NAMES[-1]} was edited after it was applied$"):
        apply(connection, edited)


def test_a_missing_migration_is_refused_by_name(connection) -> None:
    apply(connection, PACKAGE)

    with pytest.raises(HistoryDiffers, match=f"^{NAMES[1]} was applied and is missing"):
        apply(connection, [PACKAGE[0], *PACKAGE[2:]])


def test_a_database_that_is_ahead_is_accepted_and_left_alone(connection) -> None:
    apply(connection, with_one_more("SELECT 1"))

    assert apply(connection, PACKAGE) == []
    assert ledger(connection) == rows(with_one_more("SELECT 1"))


def test_a_refused_migration_leaves_nothing_and_those_before_it_stay(connection) -> None:
    broken = with_one_more("CREATE SCHEMA half; SELECT no_such_column")

    with pytest.raises(SchemaRefused, match=f'^{NEXT}: 42703 column "no_such_column"'):
        apply(connection, broken)

    assert ledger(connection) == rows(PACKAGE)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('half')")
        assert cursor.fetchone() == (None,)


def test_a_refusal_never_quotes_a_row(connection) -> None:
    leaky = with_one_more("SET LOCAL ROLE ops_owner; INSERT INTO ops.epoch VALUES (true, 4711)")

    with pytest.raises(SchemaRefused) as refused:
        apply(connection, leaky)

    assert "23505" in str(refused.value)
    assert "4711" not in str(refused.value)
    assert "true" not in str(refused.value)


def test_a_run_that_dies_between_two_migrations_is_resumed_by_the_next(
    cluster: Cluster, empty: str, connection
) -> None:
    slow = with_one_more("CREATE SCHEMA half; SELECT pg_sleep(60)")
    dying = cluster.connect(empty)
    result: list[object] = []

    def run() -> None:
        try:
            result.append(apply(dying, slow))
        except DatabaseUnreachable as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def is_in_the_middle() -> bool:
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid = %s AND wait_event = 'PgSleep'",
                (dying.info.backend_pid,),
            )
            return cursor.fetchall() == [(True,)]

    eventually(is_in_the_middle, within=20)
    thread.join(20)

    assert isinstance(result[0], DatabaseUnreachable)
    assert ledger(connection) == rows(PACKAGE)
    assert apply(connection, with_one_more("CREATE SCHEMA half")) == [NEXT]


def test_a_migration_does_not_wait_long_for_a_table_in_use(
    cluster: Cluster, empty: str, connection, monkeypatch
) -> None:
    apply(connection, PACKAGE)
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_MS", 50)
    user = cluster.connect(empty)
    user.cursor().execute("SET ROLE catalog_owner; LOCK TABLE catalog.title IN ACCESS SHARE MODE")

    with pytest.raises(SchemaBlocked, match=f"^{NEXT}: 55P03 "):
        apply(
            connection,
            with_one_more("SET LOCAL ROLE catalog_owner; ALTER TABLE catalog.title ADD x int"),
        )

    user.close()
    assert ledger(connection) == rows(PACKAGE)


def test_a_run_waits_for_its_turn_only_so_long(cluster: Cluster, empty: str, connection) -> None:
    other = cluster.connect(empty)

    with (
        turn.turn(other, 1_000),
        pytest.raises(SchemaBlocked, match=r"^the turn to migrate: 55P03 "),
    ):
        apply(connection, PACKAGE, wait_ms=50)

    other.close()
    assert apply(connection, PACKAGE) == NAMES


def test_a_closed_connection_is_the_databases_fault_not_the_migrations(connection) -> None:
    connection.close()

    with pytest.raises(DatabaseUnreachable):
        apply(connection, PACKAGE)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ops.migration SET sha256 = sha256",
        "DELETE FROM ops.migration",
        "TRUNCATE ops.migration",
        "DROP TABLE ops.migration",
    ],
)
def test_even_master_only_adds_to_the_ledger(connection, statement: str) -> None:
    apply(connection, PACKAGE)

    with (
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
