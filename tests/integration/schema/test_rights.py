"""What each login may do, and what it may not."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import psycopg2
import pytest

from schema.logins import LOGINS
from tests.integration.schema.statements import (
    ACCOUNT,
    ALLOWED,
    DENIED,
    DENIED_TO_ALL,
    DEVICE,
    INVOICE,
    PROFILE,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg2 import extensions


@pytest.fixture(scope="module", autouse=True)
def _seeded(cluster, migrated: str) -> None:
    with cluster.master(migrated) as cursor:
        cursor.execute("SET ROLE catalog_owner")
        for title in ("tt1", "tt2"):
            cursor.execute(
                "INSERT INTO catalog.title (title_id, kind, name, genre, duration_s)"
                " VALUES (%s, 'film', 'A film', 'drama', 5400)",
                (title,),
            )
        cursor.execute("SET ROLE app_owner")
        cursor.execute(
            f"INSERT INTO app.account VALUES ('{ACCOUNT}', 'a@viewer.invalid', 'DE');"
            f"INSERT INTO app.profile VALUES ('{PROFILE}', '{ACCOUNT}', 'Me');"
            f"INSERT INTO app.device VALUES ('{DEVICE}', '{ACCOUNT}', 'tv');"
            f"INSERT INTO app.invoice VALUES ('{INVOICE}', '{ACCOUNT}', '2026-01-31', 999, 159)"
        )


@pytest.fixture(scope="module")
def sessions(cluster, migrated: str, twins) -> Iterator[dict[str, extensions.connection]]:
    """One session of each login. Every test rolls back what it did."""
    open_ = {
        login: cluster.connect(migrated, secret.username, secret.password)
        for login, secret in twins.items()
    }
    yield open_
    for session in open_.values():
        session.close()


@pytest.fixture
def run(sessions) -> Iterator[Callable[[str, str], int]]:
    used = []

    def execute(login: str, statement: str) -> int:
        used.append(sessions[login])
        with sessions[login].cursor() as cursor:
            cursor.execute(statement)
            return cursor.rowcount

    yield execute
    for session in used:
        session.rollback()


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_becomes_its_work_role_when_it_connects(sessions, twins, login: str) -> None:
    with sessions[login] as session, session.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user")
        assert cursor.fetchone() == (twins[login].username, LOGINS[login].work_role)


@pytest.mark.parametrize(
    ("login", "statement"), [(login, one) for login, many in ALLOWED.items() for one in many]
)
def test_a_login_can_do_its_work(run, login: str, statement: str) -> None:
    run(login, statement)


def test_the_upserts_of_analytics_find_the_row_that_is_there(run) -> None:
    upserts = [one for one in ALLOWED["analytics"] if "ON CONFLICT" in one]
    assert len(upserts) == 4

    for statement in upserts:
        assert [run("analytics", statement), run("analytics", statement)] == [1, 1]


@pytest.mark.parametrize(
    ("login", "statement"),
    [
        *((login, one) for login, many in DENIED.items() for one in many),
        *itertools.product(LOGINS, DENIED_TO_ALL),
    ],
)
def test_a_login_can_do_nothing_else(run, login: str, statement: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        run(login, statement)


def test_a_role_that_is_nobodys_does_not_even_get_in(cluster, migrated: str) -> None:
    name = f"{migrated}_stranger"
    with cluster.master(migrated) as cursor:
        cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'stranger'")
        try:
            with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
                cluster.connect(migrated, name, "stranger")
        finally:
            cursor.execute(f"DROP ROLE {name}")


def test_master_reads_no_person_without_saying_so(cluster, migrated: str) -> None:
    with cluster.master(migrated) as cursor:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT email FROM app.account")
        cursor.execute("SET ROLE app_owner")
        cursor.execute("SELECT email FROM app.account")
        assert cursor.rowcount == 1


def test_an_account_with_anything_on_it_cannot_disappear(cluster, migrated: str) -> None:
    with cluster.master(migrated) as cursor:
        cursor.execute("SET ROLE app_owner")
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            cursor.execute("DELETE FROM app.account")


@pytest.mark.parametrize(
    "row",
    [
        "(now(), 'tt1', 'de', 'tv', 1, 1, 1, 1)",
        "(now(), 'tt1', 'DE', 'tv', 1, -1, 1, 1)",
    ],
)
@pytest.mark.parametrize("table", ["title_minute", "title_delta_0"])
def test_a_rollup_that_cannot_be_right_is_refused(run, row: str, table: str) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation):
        run("analytics", f"INSERT INTO analytics.{table} VALUES {row}")


def test_a_country_of_three_letters_does_not_fit(run) -> None:
    with pytest.raises(psycopg2.errors.StringDataRightTruncation):
        run(
            "analytics",
            "INSERT INTO analytics.title_minute VALUES (now(), 'tt1', 'DEU', 'tv', 1, 1, 1, 1)",
        )
