"""The database's logins: what each becomes when it connects, and how a role is put right.

A login whose rotation alternates has a twin; both are members of one work role and enter it when
they connect, so that whatever they make has one owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg2 import extensions, sql

if TYPE_CHECKING:
    from collections.abc import Mapping

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
class Found:
    """A login as it is on the server."""

    limit: int | None = None
    role: str | None = None
    may_work: bool = False
    by_token: bool = False
    entered_by_master: bool = False
    may_log_in: bool = True
    expired: bool = False


def look(cursor: extensions.cursor, username: str, work_role: str) -> Found | None:
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
                          AND (m.inherit_option OR m.set_option)),
               r.rolcanlogin,
               coalesce(r.rolvaliduntil < now(), false)
          FROM pg_catalog.pg_roles AS r
         WHERE r.rolname = %(username)s
        """,
        {"username": username, "work_role": work_role, "iam_role": IAM_ROLE},
    )
    row = cursor.fetchone()
    return None if row is None else Found(*row)


def put_right(
    cursor: extensions.cursor, username: str, rights: Rights, found: Found | None
) -> list[str]:
    """Make the login a member of its work role, let it enter that role when it connects, and
    bound its connections; return what had to be changed."""
    found = found or Found()
    user, work_role = sql.Identifier(username), sql.Identifier(rights.work_role)
    changed = []
    if not found.may_work:
        cursor.execute(sql.SQL("GRANT {} TO {}").format(work_role, user))
        changed.append(f"member of {rights.work_role}")
    if found.role != rights.work_role:
        cursor.execute(sql.SQL("ALTER ROLE {} SET role = {}").format(user, work_role))
        changed.append(f"enters {rights.work_role}")
    limit = rights.connection_limit(_max_connections(cursor))
    if found.limit != limit:
        cursor.execute(
            sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(user, sql.Literal(limit))
        )
        changed.append("connection limit")
    return changed


def verifier(cursor: extensions.cursor, username: str, password: str) -> sql.Literal[str]:
    """The SCRAM verifier of a password, computed here by libpq, as psql's ``\\password`` does: the
    password itself never reaches the server, its log or its statistics."""
    text: str = extensions.encrypt_password(
        password, username, scope=cursor, algorithm="scram-sha-256"
    )
    return sql.Literal(text)


def _max_connections(cursor: extensions.cursor) -> int:
    cursor.execute("SELECT current_setting('max_connections')::int")
    [[number]] = cursor.fetchall()
    return int(number)
