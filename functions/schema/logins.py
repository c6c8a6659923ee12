"""The logins of the rooms: made once from their secrets, never given another password here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import extensions, sql

from schema.errors import BadLogin
from schema.turn import WAIT_FOR_TURN_MS, meaning, turn
from streamflix.secrets import Login

if TYPE_CHECKING:
    from collections.abc import Mapping

SecretLogin = Login
"""AWSCURRENT of a login's secret. Its username is the login's own or its twin's."""

TWIN_SUFFIX = "_clone"


@dataclass(frozen=True, slots=True)
class Rights:
    """What a login becomes when it connects, and how many connections it may hold."""

    work_role: str
    connection_limit: int


# The limits keep one room from taking every slot of a writer from the others and from master.
LOGINS: Mapping[str, Rights] = {
    "app": Rights("app_rw", 400),
    "analytics": Rights("analytics_rw", 450),  # one per shard, 390 at 10 million viewers
    "privacy": Rights("privacy_erase", 20),
    "recovery": Rights("recovery_ro", 20),
}


def ensure(
    connection: extensions.connection,
    secrets: Mapping[str, Login],
    wait_ms: int = WAIT_FOR_TURN_MS,
) -> list[str]:
    """Make the logins that are absent and put memberships right; return the new ones' names.

    A login that exists keeps its password and its right to log in: rotation and recovery own
    them. The server sees SCRAM verifiers only, never a password.
    Safe to repeat and to run twice at once: it looks before it acts, within its turn.
    Raises: `BadLogin`, `SchemaRefused`; `SchemaBlocked`, `DatabaseUnreachable` (retryable).
    """
    for login, secret in secrets.items():
        _refuse_foreign(login, secret)
    try:
        with turn(connection, wait_ms) as cursor:
            return [
                secret.username
                for login, secret in secrets.items()
                if _ensure_one(cursor, LOGINS[login], secret)
            ]
    except psycopg2.Error as error:
        raise meaning(error, connection, "the logins") from None


def _refuse_foreign(login: str, secret: Login) -> None:
    if login not in LOGINS:
        raise BadLogin(f"{login} is no login of a room; known are {', '.join(LOGINS)}")
    if secret.username not in {login, login + TWIN_SUFFIX}:
        raise BadLogin(f"the secret of login {login} names another user")
    if not secret.password:
        raise BadLogin(f"the secret of login {login} has no password")


def _ensure_one(cursor: extensions.cursor, rights: Rights, secret: Login) -> bool:
    """Returns whether the login had to be made."""
    user, work_role = sql.Identifier(secret.username), sql.Identifier(rights.work_role)
    found = _look(cursor, secret.username, rights.work_role)
    if found is None:
        cursor.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                user, sql.Literal(_verifier(cursor, secret))
            )
        )
    limit, role, is_member = found or (None, None, False)
    if not is_member:
        cursor.execute(sql.SQL("GRANT {} TO {}").format(work_role, user))
    if role != rights.work_role:
        cursor.execute(sql.SQL("ALTER ROLE {} SET role = {}").format(user, work_role))
    if limit != rights.connection_limit:
        cursor.execute(
            sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(
                user, sql.Literal(rights.connection_limit)
            )
        )
    return found is None


def _look(
    cursor: extensions.cursor, username: str, work_role: str
) -> tuple[int, str | None, bool] | None:
    """Its connection limit, the role it takes at login, and whether it may take ours."""
    cursor.execute(
        """
        SELECT r.rolconnlimit,
               (SELECT substr(setting, length('role=') + 1)
                  FROM unnest(r.rolconfig) AS setting WHERE setting LIKE 'role=%%'),
               pg_has_role(r.oid, %(work_role)s, 'SET')
                   AND pg_has_role(r.oid, %(work_role)s, 'USAGE')
          FROM pg_catalog.pg_roles AS r
         WHERE r.rolname = %(username)s
        """,
        {"username": username, "work_role": work_role},
    )
    row: tuple[int, str | None, bool] | None = cursor.fetchone()
    return row


def _verifier(cursor: extensions.cursor, secret: Login) -> str:
    """Computed here by libpq, as psql's ``\\password`` does."""
    verifier: str = extensions.encrypt_password(
        secret.password, secret.username, scope=cursor, algorithm="scram-sha-256"
    )
    return verifier
