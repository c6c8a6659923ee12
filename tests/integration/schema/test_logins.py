"""Logins are made from their secrets once, and nothing here gives them another password."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from psycopg2 import extras

from schema import logins, turn
from schema.errors import BadLogin, SchemaBlocked, SchemaRefused
from schema.logins import LOGINS, SecretLogin, ensure
from streamflix.errors import DatabaseUnreachable
from tests.integration.schema.conftest import drop_roles, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.schema.conftest import Cluster

TWIN = "recovery_clone"
PASSWORD = "Never-Sent-In-The-Clear-1"
SECRETS = {"recovery": SecretLogin(TWIN, PASSWORD)}


@pytest.fixture
def master(cluster: Cluster, migrated: str) -> Iterator[Any]:
    connection = cluster.connect(migrated)
    yield connection
    connection.close()
    drop_roles(cluster, TWIN)


def role(cluster: Cluster, name: str) -> Any:
    with cluster.master("postgres") as cursor:
        cursor.execute(
            "SELECT rolcanlogin, rolconnlimit, rolconfig, rolsuper, rolcreaterole, rolcreatedb,"
            " rolreplication, rolbypassrls FROM pg_roles WHERE rolname = %s",
            (name,),
        )
        return cursor.fetchone()


def memberships(cluster: Cluster, name: str) -> list[tuple[str]]:
    with cluster.master("postgres") as cursor:
        cursor.execute(
            "SELECT roleid::regrole::text FROM pg_auth_members WHERE member::regrole::text = %s",
            (name,),
        )
        return cursor.fetchall()


def test_an_absent_login_is_made_and_logs_in(master, cluster: Cluster, migrated: str) -> None:
    assert ensure(master, SECRETS) == [TWIN]

    assert cluster.accepts(migrated, TWIN, PASSWORD)
    with cluster.master("postgres") as cursor:
        cursor.execute("SHOW max_connections")
        limit = LOGINS["recovery"].connection_limit(int(cursor.fetchone()[0]))
    assert role(cluster, TWIN) == (True, limit, ["role=recovery_ro"], *[False] * 5)
    assert memberships(cluster, TWIN) == [("recovery_ro",)]


def test_a_login_that_brings_tokens_is_put_into_rds_iam_and_another_is_not(
    master, cluster: Cluster
) -> None:
    ensure(master, SECRETS, by_token={"recovery"})

    assert sorted(memberships(cluster, TWIN)) == [("rds_iam",), ("recovery_ro",)]


def test_a_login_goes_from_tokens_to_passwords_and_back(
    master, cluster: Cluster, migrated: str
) -> None:
    for by_token, roles in (
        ({"recovery"}, [("rds_iam",), ("recovery_ro",)]),
        ((), [("recovery_ro",)]),
        ({"recovery"}, [("rds_iam",), ("recovery_ro",)]),
    ):
        ensure(master, SECRETS, by_token=by_token)
        assert sorted(memberships(cluster, TWIN)) == roles
    assert cluster.accepts(migrated, TWIN, PASSWORD), "the password is kept for the way back"


def test_tokens_for_a_login_that_master_could_enter_would_lock_master_out(
    master, cluster: Cluster
) -> None:
    ensure(master, SECRETS)
    with cluster.master("postgres") as cursor:
        cursor.execute(f"GRANT {TWIN} TO master")

    with pytest.raises(BadLogin, match=f"REVOKE {TWIN} FROM master first"):
        ensure(master, SECRETS, by_token={"recovery"})

    assert memberships(cluster, TWIN) == [("recovery_ro",)]


def test_tokens_for_a_login_leave_master_its_password(
    master, cluster: Cluster, migrated: str
) -> None:
    ensure(master, SECRETS, by_token={"recovery"})

    with cluster.master(migrated) as cursor:
        cursor.execute("SELECT pg_has_role(current_user, 'rds_iam', 'USAGE')")
        assert cursor.fetchone() == (False,)


def test_a_login_that_exists_keeps_its_password(master, cluster: Cluster, migrated: str) -> None:
    ensure(master, SECRETS)

    assert ensure(master, {"recovery": SecretLogin(TWIN, "another")}) == []

    assert cluster.accepts(migrated, TWIN, PASSWORD)
    assert not cluster.accepts(migrated, TWIN, "another")


def test_a_login_that_recovery_has_fenced_stays_fenced(master, cluster: Cluster) -> None:
    ensure(master, SECRETS)
    with cluster.master("postgres") as cursor:
        cursor.execute(f"ALTER ROLE {TWIN} NOLOGIN")

    ensure(master, SECRETS)

    assert role(cluster, TWIN)[0] is False


@pytest.mark.parametrize(
    "drift",
    [
        f"REVOKE recovery_ro FROM {TWIN}",
        f"ALTER ROLE {TWIN} RESET role",
        f"ALTER ROLE {TWIN} SET role = app_rw",
        f"ALTER ROLE {TWIN} CONNECTION LIMIT 1",
    ],
)
def test_what_a_login_may_do_is_put_right(master, cluster: Cluster, drift: str) -> None:
    ensure(master, SECRETS)
    right = (role(cluster, TWIN), memberships(cluster, TWIN))
    with cluster.master("postgres") as cursor:
        cursor.execute(drift)
    assert (role(cluster, TWIN), memberships(cluster, TWIN)) != right

    assert ensure(master, SECRETS) == []

    assert (role(cluster, TWIN), memberships(cluster, TWIN)) == right


def test_eight_runs_at_once_make_a_login_once(master, cluster: Cluster, migrated: str) -> None:
    connections = [cluster.connect(migrated) for _ in range(8)]

    results = together(8, lambda number: ensure(connections[number], SECRETS))

    assert sorted(map(str, results)) == sorted([f"['{TWIN}']", *["[]"] * 7])
    assert cluster.accepts(migrated, TWIN, PASSWORD)
    for connection in connections:
        connection.close()


def test_the_server_never_sees_the_password(master, cluster: Cluster, migrated: str) -> None:
    sent = io.StringIO()
    watched = cluster.connect(migrated, connection_factory=extras.LoggingConnection)
    watched.initialize(sent)

    assert ensure(watched, SECRETS) == [TWIN]

    assert f'CREATE ROLE "{TWIN}" LOGIN PASSWORD' in sent.getvalue()
    assert "SCRAM-SHA-256$" in sent.getvalue()
    assert PASSWORD not in sent.getvalue()
    with cluster.master(migrated) as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE datname = current_database()")
        assert not [query for (query,) in cursor.fetchall() if PASSWORD in query]
    watched.close()


@pytest.mark.parametrize("by_token", [(), ("recovery",)])
def test_looking_again_changes_nothing_on_the_server(
    master, cluster: Cluster, migrated: str, by_token: tuple[str, ...]
) -> None:
    ensure(master, SECRETS, by_token)
    sent = io.StringIO()
    watched = cluster.connect(migrated, connection_factory=extras.LoggingConnection)
    watched.initialize(sent)

    ensure(watched, SECRETS, by_token)

    changes = ("CREATE", "ALTER", "GRANT", "REVOKE")
    assert not [word for word in changes if word in sent.getvalue()]
    watched.close()


@pytest.mark.parametrize(
    ("secrets", "complaint"),
    [
        ({"recovery": SecretLogin("master", "x")}, "secret of login recovery names another user"),
        ({"recovery": SecretLogin("app", "x")}, "secret of login recovery names another user"),
        ({"recovery": SecretLogin(TWIN, "")}, "secret of login recovery has no password"),
        ({"master": SecretLogin("master", "x")}, "master is no login of a room"),
    ],
)
def test_a_secret_that_is_not_the_logins_own_makes_nobody(
    master, cluster: Cluster, secrets: Any, complaint: str
) -> None:
    with pytest.raises(BadLogin, match=complaint):
        ensure(master, {"recovery": SECRETS["recovery"], **secrets})

    assert role(cluster, TWIN) is None


def test_before_the_migrations_there_is_no_login_and_no_half_of_one(
    cluster: Cluster, migrated: str, master, monkeypatch
) -> None:
    monkeypatch.setitem(
        logins.LOGINS,
        "recovery",
        logins.Rights("no_such_role", 1),
    )

    with pytest.raises(
        SchemaRefused, match=r'^the logins: 42704 role "no_such_role" does not exist'
    ):
        ensure(master, SECRETS)

    assert role(cluster, TWIN) is None


def test_a_run_waits_for_its_turn_only_so_long(master, cluster: Cluster, migrated: str) -> None:
    other = cluster.connect(migrated)

    with turn.turn(other, 1_000), pytest.raises(SchemaBlocked):
        ensure(master, SECRETS, wait_ms=50)

    other.close()
    assert role(cluster, TWIN) is None


def test_a_connection_that_is_lost_is_worth_another_try(master) -> None:
    master.close()

    with pytest.raises(DatabaseUnreachable):
        ensure(master, SECRETS)
