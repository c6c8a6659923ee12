"""What rotation says to PostgreSQL about a login. The server sees verifiers, never passwords."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from psycopg2 import sql

from streamflix.logins import IAM_ROLE, LOGINS, look, put_right, verifier

if TYPE_CHECKING:
    from psycopg2 import extensions

    from streamflix.secrets import Login


def take_turn(cursor: extensions.cursor, login: str) -> None:
    """One at a time for each secret, until this connection ends; waits as long as lock_timeout.
    Two that alter one role at once fail with "tuple concurrently updated"."""
    key = int.from_bytes(hashlib.sha256(f"rotation {login}".encode()).digest()[:8], signed=True)
    cursor.execute("SELECT pg_advisory_lock(%s)", (key,))


def set_password(cursor: extensions.cursor, login: Login) -> None:
    """For a role that exists."""
    cursor.execute("SET LOCAL ROLE none")  # a login that enters its work role is not itself there
    cursor.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(login.username), verifier(cursor, login.username, login.password)
        )
    )


def set_login(cursor: extensions.cursor, name: str, login: Login) -> list[str]:
    """Make the room's login or give it this password, and put right all that drifts: whether it may
    log in, until when, its work role, its limit, the way it logs in. Returns what was put right."""
    rights, user = LOGINS[name], sql.Identifier(login.username)
    found = look(cursor, login.username, rights.work_role)
    word = verifier(cursor, login.username, login.password)
    verb = "CREATE ROLE" if found is None else "ALTER ROLE"
    statement = sql.SQL(verb + " {} LOGIN PASSWORD {} VALID UNTIL 'infinity'")
    cursor.execute(statement.format(user, word))
    return put_right(cursor, login.username, rights, found) + _by_password(cursor, name, login)


ABSENT = "is absent"


def repair(cursor: extensions.cursor, name: str, username: str) -> None:
    """As `set_login`, without touching the password."""
    rights = LOGINS[name]
    found = look(cursor, username, rights.work_role)
    if found is None:
        return
    if found.expired or not found.may_log_in:
        statement = sql.SQL("ALTER ROLE {} LOGIN VALID UNTIL 'infinity'")
        cursor.execute(statement.format(sql.Identifier(username)))
    put_right(cursor, username, rights, found)


def drifts(cursor: extensions.cursor, name: str, username: str) -> list[str]:
    """What `repair` would put right; an absent role it would not."""
    rights = LOGINS[name]
    found = look(cursor, username, rights.work_role)
    if found is None:
        return [ABSENT]
    told = (
        (not found.may_log_in, "may not log in"),
        (found.expired, "its time has expired"),
        (not found.may_work, f"is no member of {rights.work_role}"),
        (found.role != rights.work_role, f"does not enter {rights.work_role}"),
    )
    return [words for wrong, words in told if wrong]


def fingerprint(cursor: extensions.cursor) -> tuple[str, str]:
    """Who this session has become, and a digest of what it may do to every table and schema."""
    cursor.execute(
        """
        SELECT current_user, md5(coalesce(string_agg(may, ',' ORDER BY may), ''))
          FROM (SELECT n.nspname || '.' || c.relname || ':' || p AS may
                  FROM pg_catalog.pg_class AS c
                  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                 CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p
                 WHERE c.relkind IN ('r', 'p', 'v', 'm')
                   AND n.nspname IN ('app', 'catalog', 'analytics', 'privacy', 'ops')
                   AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, p)) AS t
        """
    )
    [[who, digest]] = cursor.fetchall()
    return who, digest


def _by_password(cursor: extensions.cursor, name: str, login: Login) -> list[str]:
    found = look(cursor, login.username, LOGINS[name].work_role)
    if found is None or not found.by_token:
        return []
    cursor.execute(
        sql.SQL("REVOKE {} FROM {}").format(
            sql.Identifier(IAM_ROLE), sql.Identifier(login.username)
        )
    )
    return ["logs in by password"]
