"""Where database proxies listen: each endpoint on an address of its own, which follows its target.

RDS knows no port of a proxy, so an endpoint listens at the port of its first target and keeps it.
A target is known by its resource id: to which servers a proxy leads changes when a target is
deregistered and registered, and not when clusters exchange their names.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ministack.services import rds

from local import databases
from local.complaint import Complaint
from local.postgres_address import PROXY_ADDRESSES, Door

if TYPE_CHECKING:
    from local.context import Cloud
    from local.postgres_address import Role
    from local.postgres_cluster import Cluster

    Record = dict[str, Any]

PATCHES: tuple[str, ...] = (
    "ministack.services.rds:_clusters",
    "ministack.services.rds:_db_proxies",
    "ministack.services.rds:_db_proxy_endpoints",
)

IDENTITY = "_DbClusterResourceId"


class ProxyDoors:
    """Thread safe."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._databases = databases.of(cloud)
        self._lock = threading.Lock()
        self._hosts: dict[str, str] = {}
        self._doors: dict[str, Door] = {}

    def place(self, endpoint: Record) -> None:
        """Give a new endpoint its address. Raises: `Complaint` when there is none left."""
        with self._lock:
            taken = self._hosts.values()
            host = next((each for each in PROXY_ADDRESSES if each not in taken), None)
            if host is None:
                raise Complaint("All addresses for database proxies are taken.", "Delete one.")
            self._hosts[endpoint["DBProxyEndpointArn"]] = endpoint["Endpoint"] = host

    def follow(self) -> None:
        """Let every endpoint lead to what its proxy's target is now, and forget those gone."""
        with self._lock:
            known = {each["DBProxyEndpointArn"] for _, each in rds._db_proxy_endpoints.all_items()}
            for arn in self._hosts.keys() - known:
                del self._hosts[arn]
                if arn in self._doors:
                    self._doors.pop(arn).close()
            for endpoint in rds._db_proxy_endpoints.values():
                proxy = rds._db_proxies.get(endpoint["DBProxyName"], {})
                self._lead(endpoint, proxy.get("Targets", []))

    def _lead(self, endpoint: Record, targets: list[Record]) -> None:
        arn = endpoint["DBProxyEndpointArn"]
        behind = self._servers(targets[0]) if targets else None
        if behind and arn not in self._doors:
            role: Role = "reader" if endpoint["TargetRole"] == "READ_ONLY" else "writer"
            host, endpoints = self._hosts[arn], self._cloud.endpoints
            self._doors[arn] = Door(endpoints, host, behind[1], role)
        if arn in self._doors:
            self._doors[arn].lead_to(behind[0] if behind else None)

    def _servers(self, target: Record) -> tuple[Cluster, int] | None:
        """The servers of the cluster that was registered, whatever it is called now."""
        if IDENTITY not in target:
            registered = rds._clusters.get(target.get("TrackedClusterId", ""), {})
            target[IDENTITY] = registered.get("DbClusterResourceId")
        names = (
            record["DBClusterIdentifier"]
            for record in rds._clusters.values()
            if record["DbClusterResourceId"] == target[IDENTITY]
        )
        return self._databases.behind(next(names, ""))
