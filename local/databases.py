"""The servers behind the records of Aurora clusters, and their addresses.

Ports belong to names, as names in DNS do on AWS: a cluster that is renamed leaves its port to
whichever cluster gets its name next.
"""

from __future__ import annotations

import contextvars
import functools
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING

import psycopg2
from ministack.services import rds
from ministack.services.cloudformation import provisioners

from local import database_events
from local.postgres import Ground
from local.postgres_address import READER_ADDRESS, WRITER_ADDRESS, Addresses
from local.postgres_cluster import Cluster
from local.unprivileged import ProgramFailedError

if TYPE_CHECKING:
    import datetime as dt

    from local.context import Cloud
    from local.postgres_news import News

PATCHES: tuple[str, ...] = (
    *database_events.PATCHES,
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS",
    "ministack.services.rds:_clusters",
    "ministack.services.rds:_format_time",
    "ministack.services.rds:_instances",
)

PORTS = range(1, 10)  # of an instance's ports: one for each name of a cluster

logger = logging.getLogger(__name__)


class Databases:
    """The servers behind the records. Thread safe, as members of a cluster come in parallel."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._clusters: dict[str, Cluster] = {}

    @cached_property
    def _ground(self) -> Ground:
        cloud = self._cloud
        return Ground.at(cloud.state, cloud.instance.logs, cloud.supervisor, cloud.endpoints)

    @cached_property
    def _addresses(self) -> Addresses:
        first = self._cloud.instance.port_base
        return Addresses(self._ground.endpoints, [first + n for n in PORTS])

    @cached_property
    def _heralds(self) -> ThreadPoolExecutor:
        pool = ThreadPoolExecutor(1, thread_name_prefix="rds events")
        self._cloud.at_exit.callback(pool.shutdown)
        return pool

    def found(self, name: str) -> None:
        """Start the cluster of a new record. When that fails, neither of them stays."""
        record = rds._clusters[name]
        if record["Engine"] != "aurora-postgresql":
            return
        try:
            self._new(name).create(
                record["MasterUsername"], record["_MasterUserPassword"], record["DatabaseName"]
            )
        except BaseException:
            self._undo(name)
            raise
        self.refresh(name)

    def restore(self, name: str, source: str, until: dt.datetime | None) -> None:
        """Give a new record the source's volume as it was then, or as it is now.

        Returns when the source is no longer needed; the record is `creating` until all is done.
        """
        try:
            cluster = self._new(name)
            cluster.copy(self._clusters[source])
        except BaseException:
            self._undo(name)
            raise
        self.refresh(name)
        run = functools.partial(contextvars.copy_context().run, self._recover, cluster, until)
        threading.Thread(target=run, name=f"restore {name}", daemon=True).start()

    def abandon(self, name: str) -> None:
        """End the servers of a cluster whose record is gone."""
        cluster = self._clusters.get(name)
        if cluster and name not in rds._clusters:
            cluster.delete()
            with self._lock:
                del self._clusters[name]
                self._addresses.release(name)

    def rename(self, old: str, new: str) -> None:
        """The records follow. Clients of both names are sent away."""
        if old not in self._clusters:
            return
        with self._lock:
            address = self._addresses[new]
            self._addresses[old].lead_to(None)
            self._clusters[new] = cluster = self._clusters.pop(old)
            address.lead_to(cluster)

    def rename_member(self, old: str, new: str) -> None:
        """The records follow."""
        for cluster in list(self._clusters.values()):
            if old in cluster.members():
                cluster.rename(old, new)

    def join(self, instance: str) -> None:
        """Start the server of a new member's record. When that fails, neither of them stays."""
        member = rds._instances[instance]
        name = member.get("DBClusterIdentifier") or ""
        if name not in self._clusters:
            return
        cluster, record = self._clusters[name], rds._clusters[name]
        member["DBInstanceStatus"] = "creating"  # stock calls both available at once
        if not cluster.founded.is_set():
            record["Status"] = "creating"
        try:
            cluster.add(instance)
        except BaseException:
            provisioners._RESOURCE_HANDLERS["AWS::RDS::DBInstance"]["delete"](instance, {})
            raise
        member["DBInstanceStatus"] = record["Status"] = "available"
        self.refresh(name)

    def leave(self, instance: str) -> None:
        """End the server of a member whose record is gone."""
        for name, cluster in list(self._clusters.items()):
            if instance in cluster.members():
                cluster.remove(instance)
                self.refresh(name)

    def change_password(self, name: str) -> None:
        """Let the master log in with the password that the record holds now."""
        record = rds._clusters[name]
        if name in self._clusters:
            self._clusters[name].set_password(
                record["MasterUsername"], record["_MasterUserPassword"]
            )

    def fail_over(self, name: str) -> None:
        """Promote the member that the record calls the writer already."""
        if name in self._clusters:
            members = rds._clusters[name]["DBClusterMembers"]
            chosen = next(m["DBInstanceIdentifier"] for m in members if m["IsClusterWriter"])
            self._clusters[name].fail_over(chosen)
            self.refresh(name)

    def behind(self, name: str) -> tuple[Cluster, int] | None:
        """The servers that have this name now, and their port."""
        cluster = self._clusters.get(name)
        return (cluster, self._addresses[name].port) if cluster else None

    def refresh(self, name: str) -> None:
        """Write into the records what is true of the servers now."""
        record, cluster = rds._clusters.get(name), self._clusters.get(name)
        if record is None or cluster is None:
            return
        port = self._addresses[name].port
        record.update(Endpoint=WRITER_ADDRESS, ReaderEndpoint=READER_ADDRESS, Port=port)
        if record["Status"] == "available":
            for key, moment in zip(("Earliest", "Latest"), cluster.restorable(), strict=True):
                record[f"{key}RestorableTime"] = rds._format_time(moment.timestamp())
        writes = cluster.members()
        for member in record["DBClusterMembers"]:
            instance = member["DBInstanceIdentifier"]
            member["IsClusterWriter"] = writes.get(instance, False)
            if instance in rds._instances:
                address = WRITER_ADDRESS if writes.get(instance) else READER_ADDRESS
                rds._instances[instance]["Endpoint"] |= {"Address": address, "Port": port}

    def refresh_all(self) -> None:
        for name in list(self._clusters):
            self.refresh(name)

    def _new(self, name: str) -> Cluster:
        with self._lock:
            living = {cluster.identifier for cluster in self._clusters.values()}
            files = (name, *(f"{name}.{n}" for n in range(2, 2 + len(living))))
            identifier = next(each for each in files if each not in living)
            tell = functools.partial(self._tell, identifier, contextvars.copy_context())
            cluster = Cluster(self._ground, identifier, tell)
            self._addresses[name].lead_to(cluster)
            self._clusters[name] = cluster
        self._heralds  # noqa: B018 - made before the cluster, so that it ends after it
        self._cloud.at_exit.callback(cluster.delete)
        return cluster

    def _undo(self, name: str) -> None:
        rds._clusters.pop(name, None)
        self.abandon(name)

    def _recover(self, cluster: Cluster, until: dt.datetime | None) -> None:
        try:
            cluster.recover(until)
            status = "available"
        except (ProgramFailedError, psycopg2.Error, OSError) as error:
            logger.warning("%s was not restored: %s", cluster.identifier, error)
            status = "failed"
        for name, each in list(self._clusters.items()):
            if each is cluster and (record := rds._clusters.get(name)):
                record["Status"] = status
                self.refresh(name)

    def _tell(self, identifier: str, context: contextvars.Context, news: News) -> None:
        """One after the other, and without making the cluster wait."""
        self._heralds.submit(context.run, self._announce, identifier, news)

    def _announce(self, identifier: str, news: News) -> None:
        for name, cluster in list(self._clusters.items()):
            if cluster.identifier == identifier:
                database_events.announce(name, news)


@functools.cache
def of(cloud: Cloud) -> Databases:
    """Those of this laptop cloud: several hooks work on the same."""
    return Databases(cloud)
