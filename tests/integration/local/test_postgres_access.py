"""The laptop's Aurora: who gets in, and what the master may do."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest
from psycopg2 import errors

from tests.integration.local.databases import PYTHON, ROOT

if TYPE_CHECKING:
    from tests.integration.local.databases import Databases


@pytest.fixture
def other_ca(tmp_path: Path) -> str:
    code = "import sys, pathlib; from local.certificates import Authority;"
    code += "print(Authority.at(pathlib.Path(sys.argv[1])).pem)"
    made = subprocess.run(
        [PYTHON, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return made.stdout.strip()


# --- Who gets in ---


@pytest.mark.parametrize("endpoint", ["writer", "reader"])
def test_a_client_that_verifies_the_server_gets_in(servers: Databases, endpoint: str) -> None:
    with contextlib.closing(servers.connect(endpoint)) as connection:
        assert connection.info.ssl_in_use
        assert connection.info.ssl_attribute("protocol") in ("TLSv1.2", "TLSv1.3")


def test_localhost_is_a_name_of_the_writer(servers: Databases) -> None:
    servers.connect(host="localhost", hostaddr="127.0.0.1").close()


@pytest.mark.parametrize("endpoint", ["writer", "reader"])
def test_a_client_without_tls_is_told_what_to_do(servers: Databases, endpoint: str) -> None:
    assert "SSL is required: connect with sslmode=verify-full" in servers.refusal(
        endpoint, sslmode="disable"
    )


def test_a_client_that_trusts_another_authority_turns_away(
    servers: Databases, other_ca: str
) -> None:
    assert "certificate verify failed" in servers.refusal(sslrootcert=other_ca)


def test_a_client_that_expects_another_host_turns_away(servers: Databases) -> None:
    refusal = servers.refusal(host="writer.example", hostaddr="127.0.0.1")

    assert 'does not match host name "writer.example"' in refusal


def test_a_wrong_password_is_refused(servers: Databases) -> None:
    assert "password authentication failed" in servers.refusal(password="wrong")


@pytest.mark.parametrize("user", ["rdsadmin", "rdsrepladmin"])
def test_the_system_s_own_roles_are_closed_to_us(servers: Databases, user: str) -> None:
    for password in ("", "rdsadmin", servers.told["postgres"]["master"]["password"]):
        assert "authentication failed" in servers.refusal(user=user, password=password or "empty")


def test_the_superuser_needs_its_password_even_on_the_server_s_own_socket(
    servers: Databases,
) -> None:
    sockets = (servers.home / "state" / "sock").resolve()
    numbers = [path.name.rpartition(".")[2] for path in sockets.glob(".s.PGSQL.*[0-9]")]
    assert len(numbers) == 3

    for number in numbers:
        with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
            psycopg2.connect(host=str(sockets), port=number, user="rdsadmin", dbname="postgres")


def test_no_password_stands_in_a_log_or_on_a_command_line(servers: Databases) -> None:
    state = (servers.home / "state").resolve()
    words = {
        servers.told["postgres"]["master"]["password"],
        servers.told["redis"]["ops"]["password"],
        (state / "postgres" / "rdsadmin").read_text(),
        (state / "postgres" / "passfile").read_text().strip().rpartition(":")[2],
    }
    assert all(len(word) > 10 for word in words)
    logs = "".join(path.read_text(errors="replace") for path in (servers.home / "logs").iterdir())
    lines = "".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in servers.recorded().values())

    assert "ready to accept connections" in logs
    assert not [word for word in words if word in logs or word in lines]


def test_what_the_servers_write_is_for_nobody_else(servers: Databases) -> None:
    state = (servers.home / "state").resolve()
    # The programs are no secret; they are copied here when `nobody` cannot reach the wheel's.
    files = [
        path
        for path in state.rglob("*")
        if path.is_file() and not path.is_relative_to(state / "programs")
    ]

    assert len(files) > 1000
    assert not [path for path in files if path.stat().st_mode & 0o077]


# --- What the master may do ---


def test_the_master_is_no_superuser(servers: Databases) -> None:
    [rights] = servers.ask(
        "SELECT rolsuper, rolreplication, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin"
        " FROM pg_roles WHERE rolname = current_user"
    )

    assert rights == (False, False, False, True, True, True)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER SYSTEM SET fsync = off",
        "CREATE ROLE another SUPERUSER",
        "ALTER ROLE rdsadmin PASSWORD 'mine'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
        "SET ROLE rdsadmin",
    ],
)
def test_what_only_a_superuser_may_do_is_refused(servers: Databases, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        servers.ask(statement)


def test_the_master_passes_on_what_rds_lets_it_pass_on(servers: Databases) -> None:
    servers.ask("CREATE ROLE somebody LOGIN PASSWORD 'a password of its own'")
    servers.ask("GRANT pg_monitor, rds_iam, rds_superuser TO somebody")

    [granted] = servers.ask("SELECT pg_has_role('somebody', 'rds_superuser', 'usage')")
    [scram] = servers.ask("SHOW password_encryption")
    servers.ask("DROP ROLE somebody")

    assert (granted, scram) == ((True,), ("scram-sha-256",))


def test_the_master_owns_the_database_and_sees_every_setting(servers: Databases) -> None:
    [(owner,)] = servers.ask(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    )
    [(archiving,)] = servers.ask("SHOW archive_command")

    assert owner == "master"
    assert "archive" in archiving


def test_no_setting_that_the_master_sees_holds_a_password(servers: Databases) -> None:
    [(conninfo,)] = servers.ask("SHOW primary_conninfo", endpoint="reader")

    assert "passfile=" in conninfo
    assert "password=" not in conninfo
