"""An ElastiCache replication group in cluster mode: primaries that share the slots, behind TLS."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

from local import valkey
from local.unprivileged import Account, ProgramFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local.endpoint import Endpoint, Endpoints
    from local.supervise import Supervisor

ADDRESS = "127.0.0.1"
SLOTS = 16384
JOIN_SECONDS = 30
WATCH_SECONDS = 0.5

# What ElastiCache gives to nobody, whatever the access string says.
WITHHELD = (
    *("-acl|setuser", "-acl|deluser", "-acl|load", "-acl|save", "-bgrewriteaof", "-bgsave"),
    *("-cluster|addslots", "-cluster|addslotsrange", "-cluster|bumpepoch", "-cluster|delslots"),
    *("-cluster|delslotsrange", "-cluster|failover", "-cluster|flushslots", "-cluster|forget"),
    *("-cluster|meet", "-cluster|replicate", "-cluster|reset", "-cluster|set-config-epoch"),
    *("-cluster|setslot", "-cluster|saveconfig", "-config", "-debug", "-migrate", "-module"),
    *("-psync", "-replicaof", "-save", "-shutdown", "-slaveof", "-sync"),
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """What all replication groups of an instance stand on."""

    state: Path
    logs: Path
    supervisor: Supervisor
    endpoints: Endpoints
    account: Account
    program: Path

    @classmethod
    def at(cls, state: Path, logs: Path, supervisor: Supervisor, endpoints: Endpoints) -> Ground:
        account = Account.for_servers()
        return cls(state, logs, supervisor, endpoints, account, valkey.program(account, state))


class Cluster:
    """As many primaries as there are ports. Nothing is ever written to disk but the slot map.

    Thread safe. A watch restarts what crashes: empty, as a replaced node of ElastiCache is
    without replicas.
    """

    def __init__(
        self, ground: Ground, identifier: str, ports: Sequence[int], buses: Sequence[int]
    ) -> None:
        self.identifier = identifier
        self.ports = tuple(ports)
        self._ground = ground
        self._home = ground.state / identifier
        self._password = secrets.token_urlsafe(32)
        self._users: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._nodes = [
            valkey.Node(f"{identifier}-{n}", self._home / str(n), port, bus)
            for n, (port, bus) in enumerate(zip(ports, buses, strict=True), start=1)
        ]
        self._endpoints: list[Endpoint] = []

    def create(self) -> None:
        """Start the primaries and let them agree on who serves which slots.

        Raises: `Complaint` when an endpoint's port is taken. Then, as after any other failure,
        `delete` ends what has started.
        """
        for node in self._nodes:
            endpoint = self._ground.endpoints.tls(ADDRESS, node.announced, node.sockets)
            self._endpoints.append(endpoint)
        shutil.rmtree(self._home, ignore_errors=True)  # of a run that was killed
        self._ground.account.directory(self._home)
        with ThreadPoolExecutor(len(self._nodes)) as pool:
            list(pool.map(self._start, self._nodes))
        first, share = self._nodes[0], -(-SLOTS // len(self._nodes))
        for n, node in enumerate(self._nodes):
            last = min((n + 1) * share, SLOTS) - 1
            commands = [
                ["CLUSTER", "SET-CONFIG-EPOCH", str(n + 1)],
                ["CLUSTER", "ADDSLOTSRANGE", str(n * share), str(last)],
            ]
            if node is not first:
                where = ADDRESS, str(first.announced), str(first.bus)
                commands.append(["CLUSTER", "MEET", *where])
            node.ask(self._password, commands)
        self._wait_until_whole()
        threading.Thread(target=self._watch, name=f"watch {self.identifier}", daemon=True).start()

    def set_user(self, name: str, access: str, passwords: Sequence[str]) -> None:
        """Create or change a user on every node. Without passwords, it needs none."""
        secrets_ = [valkey.hashed(password) for password in passwords] or ["nopass"]
        with self._lock:
            self._users[name] = ("reset", *access.split(), *WITHHELD, *secrets_)
            for node in self._nodes:
                node.ask(self._password, [["ACL", "SETUSER", name, *self._users[name]]])

    def remove_user(self, name: str) -> None:
        """Remove a user and send its clients away. `default` cannot go: it is switched off."""
        command = ["ACL", "DELUSER", name]
        if name == "default":
            command = ["ACL", "SETUSER", name, "reset"]
        with self._lock:
            self._users.pop(name, None)
            for node in self._nodes:
                node.ask(self._password, [command])

    def users(self) -> frozenset[str]:
        """Those that were set and not removed."""
        with self._lock:
            return frozenset(self._users)

    def delete(self) -> None:
        """End everything and remove what is on disk. Safe to repeat."""
        self._closing.set()
        with self._lock:
            for endpoint in self._endpoints:
                endpoint.close()
            self._ground.supervisor.end(*(node.name for node in self._nodes))
            for node in self._nodes:
                node.reap()
            shutil.rmtree(self._home, ignore_errors=True)

    def _start(self, node: valkey.Node) -> None:
        ground = self._ground
        log = ground.logs / f"{node.name}.log"
        users = dict(self._users)  # there before its first client is
        node.start(ground.program, ground.account, self._password, users, ground.supervisor, log)

    def _wait_until_whole(self) -> None:
        deadline = time.monotonic() + JOIN_SECONDS
        while not all(self._sees_all(node) for node in self._nodes):
            if time.monotonic() > deadline:
                raise ProgramFailedError(f"the nodes of {self.identifier} do not find each other")
            time.sleep(0.05)

    def _sees_all(self, node: valkey.Node) -> bool:
        [info] = node.ask(self._password, [["CLUSTER", "INFO"]])
        return {"cluster_state:ok", f"cluster_size:{len(self._nodes)}"} <= set(info.split())

    def _watch(self) -> None:
        while not self._closing.wait(WATCH_SECONDS):
            for node in self._nodes:
                try:
                    with self._lock:
                        if node.crashed() and not self._closing.is_set():
                            self._start(node)
                except (ProgramFailedError, redis.RedisError, OSError) as error:
                    logger.warning("%s is not whole yet: %s", self.identifier, error)
