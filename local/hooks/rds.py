"""Gap: MiniStack's Aurora clusters are records; without Docker no server stands behind them.

Here each Aurora PostgreSQL cluster is a `local.postgres_cluster.Cluster`, made and ended with its
record, by a stack as by the API. What Describe says is asked of the servers: the endpoints, which
member writes, and from when to when a point in time could be restored.

Not emulated: an instance's own endpoint is that of its role, and an action answers only when it is
done, so no member is ever seen `creating` or `modifying`.

Test: tests/integration/local/test_rds_hook.py
"""

from __future__ import annotations

import contextlib
import threading
from functools import cached_property
from typing import TYPE_CHECKING

import psycopg2
from ministack.services import rds
from ministack.services.cloudformation import provisioners

from local import resource_types
from local.hooks import rds_actions, rds_metrics
from local.postgres import Ground
from local.postgres_cluster import READER_ADDRESS, WRITER_ADDRESS, Cluster

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES: tuple[str, ...] = (
    *resource_types.PATCHES,
    *rds_actions.PATCHES,
    *rds_metrics.PATCHES,
    "ministack.services.cloudformation.provisioners:_rds_db_cluster_attrs",
    "ministack.services.cloudformation.provisioners:_rds_db_cluster_create",
    "ministack.services.cloudformation.provisioners:_rds_db_cluster_delete",
    "ministack.services.cloudformation.provisioners:_rds_db_instance_attrs",
    "ministack.services.cloudformation.provisioners:_rds_db_instance_create",
    "ministack.services.cloudformation.provisioners:_rds_db_instance_delete",
    "ministack.services.rds:_clusters",
    "ministack.services.rds:_format_time",
    "ministack.services.rds:_instances",
)
TYPES: tuple[str, ...] = ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance")

PORTS = range(1, 10)  # of an instance's ports: one for each cluster


def install(cloud: Cloud) -> None:
    _install_types(databases := Databases(cloud))
    rds_actions.install(databases)
    rds_metrics.install(cloud, databases)
    resource_types.on_a_thread(*TYPES)


class Databases:
    """The servers behind the records. Thread safe, as members of a cluster come in parallel."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self.clusters: dict[str, Cluster] = {}

    @cached_property
    def _ground(self) -> Ground:
        cloud = self._cloud
        return Ground.at(cloud.state, cloud.instance.logs, cloud.supervisor, cloud.endpoints)

    def found(self, name: str) -> None:
        """Start the cluster of a new record. When that fails, neither of them stays."""
        record = rds._clusters[name]
        if record["Engine"] != "aurora-postgresql":
            return
        with self._lock:
            first = self._cloud.instance.port_base
            taken = {cluster.port for cluster in self.clusters.values()}
            port = next(first + n for n in PORTS if first + n not in taken)
            cluster = self.clusters[name] = Cluster(self._ground, name, port)
        self._cloud.at_exit.callback(cluster.delete)
        try:
            cluster.create(
                record["MasterUsername"], record["_MasterUserPassword"], record["DatabaseName"]
            )
        except BaseException:
            rds._clusters.pop(name, None)
            self.abandon(name)
            raise
        self.refresh(name)

    def abandon(self, name: str) -> None:
        """End the servers of a cluster whose record is gone."""
        cluster = self.clusters.get(name)
        if cluster and name not in rds._clusters:
            cluster.delete()
            with self._lock:
                del self.clusters[name]

    def join(self, instance: str) -> None:
        """Start the server of a new member's record. When that fails, neither of them stays."""
        record = rds._instances[instance]
        cluster = self.clusters.get(record.get("DBClusterIdentifier") or "")
        if cluster is None:
            return
        try:
            cluster.add(instance)
        except BaseException:
            provisioners._RESOURCE_HANDLERS["AWS::RDS::DBInstance"]["delete"](instance, {})
            raise
        self.refresh(cluster.identifier)

    def leave(self, instance: str) -> None:
        """End the server of a member whose record is gone."""
        for cluster in list(self.clusters.values()):
            if instance in cluster.members():
                cluster.remove(instance)
                self.refresh(cluster.identifier)

    def change_password(self, name: str) -> None:
        """Let the master log in with the password that the record holds now."""
        record = rds._clusters[name]
        if name in self.clusters:
            self.clusters[name].set_password(
                record["MasterUsername"], record["_MasterUserPassword"]
            )

    def fail_over(self, name: str) -> None:
        """Promote the member that the record calls the writer already."""
        if name in self.clusters:
            members = rds._clusters[name]["DBClusterMembers"]
            chosen = next(m["DBInstanceIdentifier"] for m in members if m["IsClusterWriter"])
            self.clusters[name].fail_over(chosen)
            self.refresh(name)

    def refresh(self, name: str) -> None:
        """Write into the records what is true of the servers now."""
        record, cluster = rds._clusters.get(name), self.clusters.get(name)
        if record is None or cluster is None:
            return
        record.update(Endpoint=WRITER_ADDRESS, ReaderEndpoint=READER_ADDRESS, Port=cluster.port)
        with contextlib.suppress(psycopg2.Error):  # no writer right now: what was true stays
            earliest, latest = cluster.restorable()
            record["EarliestRestorableTime"] = rds._format_time(earliest.timestamp())
            record["LatestRestorableTime"] = rds._format_time(latest.timestamp())
        writes = cluster.members()
        for member in record["DBClusterMembers"]:
            instance = member["DBInstanceIdentifier"]
            member["IsClusterWriter"] = writes.get(instance, False)
            if instance in rds._instances:
                address = WRITER_ADDRESS if writes.get(instance) else READER_ADDRESS
                rds._instances[instance]["Endpoint"] |= {"Address": address, "Port": cluster.port}

    def refresh_all(self) -> None:
        for name in list(self.clusters):
            self.refresh(name)


def _install_types(databases: Databases) -> None:
    handlers = provisioners._RESOURCE_HANDLERS
    cluster, instance = (dict(handlers[kind]) for kind in TYPES)

    def create_cluster(logical_id: str, properties: Properties, stack: str) -> Created:
        name, _ = cluster["create"](logical_id, properties, stack)
        rds._clusters[name]["KmsKeyId"] = properties.get("KmsKeyId", "")  # stock forgets it
        databases.found(name)
        return name, provisioners._rds_db_cluster_attrs(rds._clusters[name])

    def update_cluster(
        name: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Created:
        updated, _ = cluster["update"](name, old, new, stack, logical_id)
        if updated == name and old.get("MasterUserPassword") != new.get("MasterUserPassword"):
            databases.change_password(name)
        databases.refresh(updated)
        return updated, provisioners._rds_db_cluster_attrs(rds._clusters[updated])

    def delete_cluster(name: str, properties: Properties) -> None:
        cluster["delete"](name, properties)
        databases.abandon(name)

    def create_instance(logical_id: str, properties: Properties, stack: str) -> Created:
        name, _ = instance["create"](logical_id, properties, stack)
        databases.join(name)
        return name, provisioners._rds_db_instance_attrs(rds._instances[name])

    def delete_instance(name: str, properties: Properties) -> None:
        instance["delete"](name, properties)
        databases.leave(name)

    handlers[TYPES[0]] |= {"create": create_cluster, "delete": delete_cluster}
    handlers[TYPES[0]]["update"] = update_cluster
    handlers[TYPES[1]] |= {"create": create_instance, "delete": delete_instance}
    # A replacement inside the stock update handlers calls these by their names.
    provisioners._rds_db_cluster_create = create_cluster
    provisioners._rds_db_cluster_delete = delete_cluster
    provisioners._rds_db_instance_create = create_instance
    provisioners._rds_db_instance_delete = delete_instance
