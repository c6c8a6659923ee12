"""The logins of the rooms: made once from their secrets, never given another password here.

Whether a login brings a password or an IAM token is a membership of RDS's role `rds_iam`. Its
members, direct or not, log in with tokens only: a password is refused, although the server has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import extensions, sql

from schema.errors import BadLogin
from schema.turn import WAIT_FOR_TURN_MS, meaning, turn
from streamflix.secrets import Login

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SecretLogin = Login
"""AWSCURRENT of a login's secret. Its username is the login's own or its twin's."""

TWIN_SUFFIX = "_clone"
IAM_ROLE = "rds_iam"
FEWEST_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Rights:
    """What a login becomes when it connects, and how many connections it may hold."""

    work_role: str
    connection_percent: int
    """Of the server's max_connections, which follow the memory of its class."""

    def connection_limit(self, max_connections: int) -> int:
        return max(FEWEST_CONNECTIONS, max_connections * self.connection_percent // 100)


# The limits keep one room from taking every slot of a server from the others and from master; they
# leave 7 of 100 to master and RDS. The proxy takes 40 at most (stacks/proxy.yaml), so that it meets
# its own limit before app's. The consumer takes one per shard: 390 at 10 million viewers, of 2,000.
LOGINS: Mapping[str, Rights] = {
    "app": Rights("app_rw", 45),
    "analytics": Rights("analytics_rw", 40),
    "privacy": Rights("privacy_erase", 4),
    "recovery": Rights("recovery_ro", 4),
}


@dataclass(frozen=True, slots=True)
class _Found:
    """A login as it is on the server."""

    limit: int | None = None
    role: str | None = None
    may_work: bool = False
    by_token: bool = False
    entered_by_master: bool = False


def ensure(
    connection: extensions.connection,
    secrets: Mapping[str, Login],
    by_token: Collection[str] = (),
    wait_ms: int = WAIT_FOR_TURN_MS,
) -> list[str]:
    """Make the logins that are absent and put memberships right; return the new ones' names.

    `by_token` names the logins that bring IAM tokens; all others bring their passwords.
    A login that exists keeps its password and its right to log in: rotation and recovery own
    them. The server sees SCRAM verifiers only, never a password.
    Safe to repeat and to run twice at once: it looks before it acts, within its turn.
    Raises: `BadLogin`, `SchemaRefused`; `SchemaBlocked`, `DatabaseUnreachable` (retryable).
    """
    for login, secret in secrets.items():
        _refuse_foreign(login, secret)
    try:
        with turn(connection, wait_ms) as cursor:
            made = []
            for login, secret in secrets.items():
                if _ensure_one(cursor, LOGINS[login], secret):
                    made.append(secret.username)
                _ensure_way_in(cursor, secret.username, LOGINS[login], login in by_token)
            return made
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
    absent = found is None
    if absent:
        cursor.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                user, sql.Literal(_verifier(cursor, secret))
            )
        )
    found = found or _Found()
    if not found.may_work:
        cursor.execute(sql.SQL("GRANT {} TO {}").format(work_role, user))
    if found.role != rights.work_role:
        cursor.execute(sql.SQL("ALTER ROLE {} SET role = {}").format(user, work_role))
    limit = rights.connection_limit(_max_connections(cursor))
    if found.limit != limit:
        cursor.execute(
            sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(user, sql.Literal(limit))
        )
    return absent


def _ensure_way_in(
    cursor: extensions.cursor, username: str, rights: Rights, by_token: bool
) -> None:
    found = _look(cursor, username, rights.work_role)
    if found is None or found.by_token == by_token:
        return
    if by_token and found.entered_by_master:
        raise BadLogin(
            f"master was granted {username}; as a member of {IAM_ROLE} it would lock master out "
            f"of its password. REVOKE {username} FROM master first"
        )
    statement = "GRANT {} TO {}" if by_token else "REVOKE {} FROM {}"
    cursor.execute(sql.SQL(statement).format(sql.Identifier(IAM_ROLE), sql.Identifier(username)))
    found = _look(cursor, username, rights.work_role)
    if found is None or found.by_token != by_token:
        raise BadLogin(f"{username} stays in {IAM_ROLE}: somebody other than master granted it")


def _max_connections(cursor: extensions.cursor) -> int:
    cursor.execute("SELECT current_setting('max_connections')::int")
    [[number]] = cursor.fetchall()
    return int(number)


def _look(cursor: extensions.cursor, username: str, work_role: str) -> _Found | None:
    """The login, or nothing when it is absent. PostgreSQL 16 makes master an administrator of what
    it creates; that is no way in, and RDS leaves even that away."""
    cursor.execute(
        """
        SELECT r.rolconnlimit,
               (SELECT substr(setting, length('role=') + 1)
                  FROM unnest(r.rolconfig) AS setting WHERE setting LIKE 'role=%%'),
               pg_has_role(r.oid, %(work_role)s, 'SET')
                   AND pg_has_role(r.oid, %(work_role)s, 'USAGE'),
               EXISTS (SELECT FROM pg_catalog.pg_auth_members AS m
                         JOIN pg_catalog.pg_roles AS t ON t.oid = m.roleid
                        WHERE m.member = r.oid AND t.rolname = %(iam_role)s),
               EXISTS (SELECT FROM pg_catalog.pg_auth_members AS m
                        WHERE m.roleid = r.oid AND m.member = current_user::regrole
                          AND (m.inherit_option OR m.set_option))
          FROM pg_catalog.pg_roles AS r
         WHERE r.rolname = %(username)s
        """,
        {"username": username, "work_role": work_role, "iam_role": IAM_ROLE},
    )
    row = cursor.fetchone()
    return None if row is None else _Found(*row)


def _verifier(cursor: extensions.cursor, secret: Login) -> str:
    """Computed here by libpq, as psql's ``\\password`` does."""
    verifier: str = extensions.encrypt_password(
        secret.password, secret.username, scope=cursor, algorithm="scram-sha-256"
    )
    return verifier
