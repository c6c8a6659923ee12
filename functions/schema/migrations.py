"""Plain SQL migrations: each is applied once, in its own transaction, and never changes again.

A new one gets the next number in `sql/`, begins with `SET LOCAL ROLE <schema>_owner`, only expands
(the code before it must still work: that is what a rollback leaves), grants what it brings, and
says in a COMMENT what each table is for. Then `python -m account migrations-sha --write`.
What cannot run in a transaction (CREATE INDEX CONCURRENTLY) cannot be a migration.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2

from schema.errors import BadPackage, HistoryDiffers
from schema.turn import WAIT_FOR_TURN_MS, limit_waiting, meaning, turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from psycopg2 import extensions

DIRECTORY = Path(__file__).parent / "sql"

# A migration that waits for a table makes everybody who comes after it wait as well.
LOCK_TIMEOUT_MS = 5_000

_FILE_NAME = re.compile(r"(?P<version>\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Step:
    """A migration as the database's ledger knows it."""

    version: int
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Migration(Step):
    """A migration as the package holds it."""

    sql: str = field(repr=False)


def load(directory: Path = DIRECTORY) -> list[Migration]:
    """Read the migrations of a package, in order. Raises: `BadPackage`."""
    migrations = [_read(path) for path in sorted(directory.glob("*.sql"))]
    if not migrations:
        raise BadPackage("there are none")
    return migrations


def digest(migrations: Iterable[Step]) -> str:
    """SHA-256 of a package, as `sha256sum *.sql | sha256sum` prints it."""
    lines = (f"{step.sha256}  {step.name}.sql\n" for step in migrations)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def pending(applied: Sequence[Step], migrations: Sequence[Migration]) -> list[Migration]:
    """What is still to be applied.

    A database that knows more than the package is accepted: that is a rollback of the code, and
    migrations only expand. Raises: `BadPackage`, `HistoryDiffers` with the name of every culprit.
    """
    history = {step.version: step for step in applied}
    package = {step.version: step for step in migrations}
    newest = max(package)
    complaints = [
        complaint
        for version in range(1, newest + 1)
        if (complaint := _complaint(version, history, package))
    ]
    if complaints:
        raise HistoryDiffers("; ".join(complaints))
    if len(package) != newest or len(package) != len(migrations):
        raise BadPackage("migrations must be numbered 0001, 0002, … without a gap or a repetition")
    return [step for step in migrations if step.version not in history]


def apply(
    connection: extensions.connection,
    migrations: Sequence[Migration],
    wait_ms: int = WAIT_FOR_TURN_MS,
) -> list[str]:
    """Apply what is pending and return its names.

    Safe to repeat, to interrupt and to run twice at once: each migration takes the turn, looks
    into the ledger, and commits together with its row.
    Raises: `BadPackage`, `HistoryDiffers`, `SchemaRefused`; `SchemaBlocked`, `DatabaseUnreachable`
    (retryable).
    """
    names: list[str] = []
    while name := _apply_next(connection, migrations, wait_ms):
        names.append(name)
    return names


def version(connection: extensions.connection) -> int:
    """The newest migration that a database has; 0 when it has none.

    Raises: `SchemaRefused`; `SchemaBlocked`, `DatabaseUnreachable` (retryable).
    """
    try:
        with connection, connection.cursor() as cursor:
            return max((step.version for step in _history(cursor)), default=0)
    except psycopg2.Error as error:
        raise meaning(error, connection, "the ledger of migrations") from None


def _read(path: Path) -> Migration:
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise BadPackage(f"{path.name} is no name of a migration; 0001_what_it_brings.sql is")
    content = path.read_bytes()
    return Migration(
        version=int(match["version"]),
        name=path.stem,
        sha256=hashlib.sha256(content).hexdigest(),
        sql=content.decode(),
    )


def _complaint(version: int, history: dict[int, Step], package: dict[int, Migration]) -> str | None:
    applied, ours = history.get(version), package.get(version)
    if applied is None:
        later = [step.name for step in history.values() if step.version > version]
        if ours and later:
            return f"{ours.name} was not applied before {', '.join(sorted(later))}"
        return None
    if ours is None:
        return f"{applied.name} was applied and is missing from the package"
    if ours.name != applied.name:
        return f"{applied.name} was applied where the package has {ours.name}"
    if ours.sha256 != applied.sha256:
        return f"{ours.name} was edited after it was applied"
    return None


def _apply_next(
    connection: extensions.connection, migrations: Sequence[Migration], wait_ms: int
) -> str | None:
    name = "the turn to migrate"
    try:
        with turn(connection, wait_ms) as cursor:
            todo = pending(_history(cursor), migrations)
            if not todo:
                return None
            name = todo[0].name
            _run(cursor, todo[0])
    except psycopg2.Error as error:
        raise meaning(error, connection, name) from None
    return name


def _history(cursor: extensions.cursor) -> list[Step]:
    cursor.execute("SELECT to_regclass('ops.migration') IS NOT NULL")
    if cursor.fetchone() != (True,):
        return []
    cursor.execute("SELECT version, name, sha256 FROM ops.migration ORDER BY version")
    return [Step(*row) for row in cursor.fetchall()]


def _run(cursor: extensions.cursor, migration: Migration) -> None:
    limit_waiting(cursor, LOCK_TIMEOUT_MS)
    cursor.execute(migration.sql)
    cursor.execute("RESET ROLE")
    cursor.execute(
        "INSERT INTO ops.migration (version, name, sha256) VALUES (%s, %s, %s)",
        (migration.version, migration.name, migration.sha256),
    )
