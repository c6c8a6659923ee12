"""The logins of the rooms: made once from their secrets, never given another password here.

Whether a login brings a password or an IAM token is a membership of RDS's role `rds_iam`. Its
members, direct or not, log in with tokens only: a password is refused, although the server has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import extensions, sql

from schema.errors import BadLogin
from schema.turn import WAIT_FOR_TURN_MS, meaning, turn
from streamflix.logins import IAM_ROLE, LOGINS, TWIN_SUFFIX, Rights, look, put_right, verifier
from streamflix.secrets import Login

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SecretLogin = Login
"""AWSCURRENT of a login's secret. Its username is the login's own or its twin's."""


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
    found = look(cursor, secret.username, rights.work_role)
    if found is None:
        cursor.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(secret.username),
                verifier(cursor, secret.username, secret.password),
            )
        )
    put_right(cursor, secret.username, rights, found)
    return found is None


def _ensure_way_in(
    cursor: extensions.cursor, username: str, rights: Rights, by_token: bool
) -> None:
    found = look(cursor, username, rights.work_role)
    if found is None or found.by_token == by_token:
        return
    if by_token and found.entered_by_master:
        raise BadLogin(
            f"master was granted {username}; as a member of {IAM_ROLE} it would lock master out "
            f"of its password. REVOKE {username} FROM master first"
        )
    statement = "GRANT {} TO {}" if by_token else "REVOKE {} FROM {}"
    cursor.execute(sql.SQL(statement).format(sql.Identifier(IAM_ROLE), sql.Identifier(username)))
    found = look(cursor, username, rights.work_role)
    if found is None or found.by_token != by_token:
        raise BadLogin(f"{username} stays in {IAM_ROLE}: somebody other than master granted it")
