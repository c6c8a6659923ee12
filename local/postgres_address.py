"""Where clients find a cluster. An address stays, whoever is behind it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal, TypeAlias

from local.complaint import Complaint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from local.endpoint import Endpoints
    from local.postgres_cluster import Cluster

Role: TypeAlias = Literal["writer", "reader"]

WRITER_ADDRESS, READER_ADDRESS = "127.0.0.1", "127.0.0.2"
"""RDS knows one port per cluster, so its two endpoints need two addresses."""

PROXY_ADDRESSES = tuple(f"127.0.0.{n}" for n in range(11, 17))
"""One for each endpoint of a database proxy."""


class Door:
    """One listening address. It leads to the writer or the readers of one cluster at a time.

    Raises: `Complaint` when its address is taken or does not exist.
    """

    def __init__(self, endpoints: Endpoints, host: str, port: int, role: Role) -> None:
        self.host, self.port, self.role = host, port, role
        self._cluster: Cluster | None = None
        self._endpoint = endpoints.postgres(host, port, self._sockets)

    def lead_to(self, cluster: Cluster | None) -> None:
        """From now on to this cluster, or to nobody. Who came for another one is sent away."""
        former, self._cluster = self._cluster, cluster
        if former is cluster:
            return
        if former is not None:
            former.doors.discard(self)
        if cluster is not None:
            cluster.doors.add(self)
        self.send_away()

    def send_away(self) -> None:
        self._endpoint.disconnect()

    def close(self) -> None:
        """Safe to repeat."""
        self.lead_to(None)
        self._endpoint.close()

    def _sockets(self) -> Sequence[Path]:
        cluster = self._cluster
        return cluster.sockets(self.role) if cluster is not None else []


class Address:
    """A port on two addresses: a cluster's endpoint and its reader endpoint."""

    def __init__(self, endpoints: Endpoints, port: int) -> None:
        self.port = port
        self.vacant = True
        with contextlib.ExitStack() as undone:
            writer = Door(endpoints, WRITER_ADDRESS, port, "writer")
            undone.callback(writer.close)
            self._doors = writer, Door(endpoints, READER_ADDRESS, port, "reader")
            undone.pop_all()

    def lead_to(self, cluster: Cluster | None) -> None:
        self.vacant = cluster is None
        for door in self._doors:
            door.lead_to(cluster)

    def close(self) -> None:
        """Safe to repeat."""
        for door in self._doors:
            door.close()


class Addresses:
    """A port for each name of a cluster, which the name keeps as long as there is one to spare.

    Not thread safe.
    """

    def __init__(self, endpoints: Endpoints, ports: Sequence[int]) -> None:
        self._endpoints = endpoints
        self._ports = ports
        self._all: dict[str, Address] = {}

    def __getitem__(self, name: str) -> Address:
        """The name's address, which leads to nobody if it is new. Raises: `Complaint`."""
        if name not in self._all:
            self._all[name] = Address(self._endpoints, self._free_port())
        return self._all[name]

    def release(self, name: str) -> None:
        if name in self._all:
            self._all.pop(name).close()

    def _free_port(self) -> int:
        taken = {address.port for address in self._all.values()}
        if not taken.issuperset(self._ports):
            return next(port for port in self._ports if port not in taken)
        vacant = next((name for name, address in self._all.items() if address.vacant), None)
        if vacant is None:
            raise Complaint(f"All {len(taken)} ports for clusters are taken.", "Delete a cluster.")
        port = self._all[vacant].port
        self.release(vacant)
        return port
