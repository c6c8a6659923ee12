"""Inside a restored copy, as master: nothing restored is believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from recovery.errors import CopyIncomplete, CopyNotFenced, Overtaken
from streamflix.addresses import Place
from streamflix.ca import CA_FILE
from streamflix.logins import LOGINS, TWIN_SUFFIX, look, put_right, verifier
from streamflix.postgres import Postgres
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psycopg2.extensions as pg

    from streamflix.addresses import Address
    from streamflix.secrets import Login

_DIRECTORY = Path(__file__).parent / "sql"
_SQL = {path.stem: path.read_text() for path in _DIRECTORY.glob("*.sql")}


class Copied:
    """Every method may be repeated and interrupted: it ends where it would have ended."""

    def __init__(self, address: Address, master: Secret, ca_file: Path = CA_FILE) -> None:
        self._postgres = Postgres(
            Place(address),
            "writer",
            master,
            application_name="streamflix-recovery-copy",
            ca_file=ca_file,
            options="-c statement_timeout=60s -c lock_timeout=5s",
        )

    def close_logins(self, secrets: Mapping[str, str], life: int | None = None) -> int:
        """Take the right to log in from everybody but master and AWS; give every login of ours,
        twins included, the password that its secret has for it now. Returns how many there are.

        Not a database that has come to `life`: that one took over.
        Raises: `CopyNotFenced`, `Overtaken`; what reading a secret raises.
        """
        if life is not None:
            self._refuse_life(life)
        known = [each for login, arn in secrets.items() for each in _versions(login, arn)]
        with self._postgres.transaction() as cursor:
            for login, found in known:
                _close(cursor, login, found)
            cursor.execute(_SQL["strangers"])
            for (name,) in cursor.fetchall():
                cursor.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(name)))
        with self._postgres.transaction() as cursor:  # now that nobody can come back
            cursor.execute(_SQL["end_sessions"])
        self._refuse_open()
        return len(known)

    def open_logins(self, secrets: Mapping[str, str], epoch: int | None) -> int:
        """Let these logins in, twins included, into the life of that number; returns how many.

        A new life lets nobody count but the replay, until `let_count`. Unknown roles stay closed.
        Raises: what reading a secret raises.
        """
        known = [each for login, arn in secrets.items() for each in _versions(login, arn)]
        with self._postgres.transaction() as cursor:
            if epoch is not None:
                cursor.execute("SET LOCAL ROLE ops_owner")
                cursor.execute(_SQL["begin_life"], {"epoch": epoch})
                cursor.execute("RESET ROLE")
            for _, found in known:
                cursor.execute(
                    sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(found.username))
                )
        return len(known)

    def let_count(self) -> None:
        """What a restore took back is counted: the consumer may go on."""
        with self._postgres.transaction() as cursor:
            cursor.execute("SET LOCAL ROLE ops_owner")
            cursor.execute(_SQL["end_recounting"])

    def verify(self) -> dict[str, Any]:
        """Measure the copy. Raises: `CopyIncomplete`, `CopyNotFenced`."""
        self._refuse_open()
        with self._postgres.transaction() as cursor:
            cursor.execute(_SQL["broken"])
            broken = [str(name) for (name,) in cursor.fetchall()]
            if broken:
                raise CopyIncomplete(f"not valid: {', '.join(broken)}")
            cursor.execute("SET LOCAL ROLE recovery_ro")
            cursor.execute(_SQL["last_beat"])
            [(beaten_at,)] = cursor.fetchall()
            cursor.execute("SET LOCAL ROLE app_rw")
            cursor.execute("SELECT count(*) FROM app.account")
            [(accounts,)] = cursor.fetchall()
        return {"beatenAt": float(beaten_at), "accounts": int(accounts)}

    def rest(self) -> None:
        self._postgres.close()

    def _refuse_life(self, life: int) -> None:
        with self._postgres.transaction() as cursor:
            cursor.execute("SELECT to_regclass('ops.epoch')")
            if cursor.fetchone() == (None,):  # what is broken has not taken over
                return
            cursor.execute("SET LOCAL ROLE ops_owner")
            cursor.execute("SELECT epoch FROM ops.epoch")
            if any(epoch >= life for (epoch,) in cursor.fetchall()):
                raise Overtaken(f"this database is in life {life}, or beyond")

    def _refuse_open(self) -> None:
        with self._postgres.transaction() as cursor:
            cursor.execute(_SQL["strangers"])
            open_ones = [str(name) for (name,) in cursor.fetchall()]
        if open_ones:
            raise CopyNotFenced(f"{', '.join(open_ones)} may still log in")


def _versions(login: str, arn: str) -> Iterator[tuple[str, Login]]:
    """What the secret said before and says now: an alternating login has its twin there, and of a
    single one the later password wins."""
    secret = Secret(arn)
    for found in (secret.previous(), secret.current()):
        if found is not None and found.username in {login, login + TWIN_SUFFIX}:
            yield login, found


def _close(cursor: pg.cursor, login: str, secret: Login) -> None:
    rights, user = LOGINS[login], sql.Identifier(secret.username)
    found = look(cursor, secret.username, rights.work_role)
    deed = "ALTER" if found else "CREATE"
    cursor.execute(
        sql.SQL("{} ROLE {} NOLOGIN PASSWORD {}").format(
            sql.SQL(deed), user, verifier(cursor, secret.username, secret.password)
        )
    )
    put_right(cursor, secret.username, rights, found)
