"""Clusters of Aurora through RDS's API: a copy is made beside the original, and taken away."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from recovery import blueprint
from recovery.errors import CopyNotReady
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from recovery.restores import Restore

THERE_ALREADY = {"DBClusterAlreadyExistsFault", "DBInstanceAlreadyExists"}
GONE = {"DBClusterNotFoundFault", "DBInstanceNotFound"}
BUSY = {"InvalidDBClusterStateFault", "InvalidDBInstanceState"}
AVAILABLE = "available"


class Clusters:
    """Each method does what is left of it; raises `CopyNotReady` until AWS has done its part."""

    def __init__(self, source: str, groups: Sequence[str]) -> None:
        """`source` is the stack's cluster, `groups` the quarantine that copies stand in."""
        self._source = source
        self._groups = groups

    def restore(self, restore: Restore) -> None:
        """Bring the copy's volume up."""
        rds = aws.client("rds")
        copy = self.cluster(restore.copy)
        if copy is None:
            source = self.cluster(self._source)
            if source is None:
                raise CopyNotReady(f"{self._source} is not there")
            wanted = blueprint.cluster(
                source, restore.copy, restore.run, self._groups, restore.target_at
            )
            make = partial(rds.restore_db_cluster_to_point_in_time, **wanted)
            tolerating(THERE_ALREADY | BUSY, make)
            copy = self.cluster(restore.copy)
        await_available(copy, "Status", restore.copy)

    def add_instance(self, restore: Restore) -> str:
        """Bring its first instance up; returns ``host:port`` of the writer."""
        if made := next(self.members(restore.copy), None):  # the source may have failed over since
            await_available(made, "DBInstanceStatus", made["DBInstanceIdentifier"])
        else:
            model = self._first()
            name = restore.copy + model["DBInstanceIdentifier"].removeprefix(self._source)
            self.await_instance(name, model, restore)
        copy = self.cluster(restore.copy) or {}
        return f"{copy['Endpoint']}:{copy['Port']}"

    def set_master_password(self, restore: Restore, password: str) -> None:
        """The copy has the password of its target time. Safe to repeat."""
        change = partial(
            aws.client("rds").modify_db_cluster,
            DBClusterIdentifier=restore.copy,
            MasterUserPassword=password,
            ApplyImmediately=True,
        )
        if tolerating(BUSY, change) is None:
            raise CopyNotReady(f"{restore.copy} takes no changes yet")

    def remove(self, name: str) -> None:
        """Delete a copy with all its instances; nothing happens when it is gone."""
        rds = aws.client("rds")
        members = list(self.members(name))
        for member in members:
            identifier = member["DBInstanceIdentifier"]
            if member["DBInstanceStatus"] != "deleting":
                end = partial(rds.delete_db_instance, DBInstanceIdentifier=identifier)
                tolerating(GONE | BUSY, partial(end, SkipFinalSnapshot=True))
        cluster = self.cluster(name)
        if cluster is None:
            return
        if cluster["Status"] != "deleting":
            tolerating(
                GONE | BUSY,
                lambda: rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True),
            )
        if self.cluster(name) is not None:
            raise CopyNotReady(f"{name} is being deleted")

    def copies(self) -> Iterator[tuple[str, str]]:
        """Every restored copy that there is, with the run that made it."""
        for cluster in self.copied():
            tags = cluster.get("TagList", [])
            yield (
                str(cluster["DBClusterIdentifier"]),
                next(tag["Value"] for tag in tags if tag["Key"] == blueprint.MARK),
            )

    def copied(self) -> Iterator[dict[str, Any]]:
        """What Describe says of them."""
        pages = aws.client("rds").get_paginator("describe_db_clusters").paginate()
        for page in pages:
            for cluster in page["DBClusters"]:
                name = cluster["DBClusterIdentifier"]
                tags = cluster.get("TagList", [])  # other engines' clusters may have none
                marked = any(tag["Key"] == blueprint.MARK for tag in tags)
                if marked and name.startswith(f"{self._source}-r"):
                    yield cluster

    def await_instance(self, name: str, model: Mapping[str, Any], restore: Restore) -> None:
        """An instance of the copy that is like another one."""
        rds = aws.client("rds")
        instance = self.instance(name)
        if instance is None:
            wanted = blueprint.instance(model, restore.copy, name, restore.run)
            tolerating(THERE_ALREADY | BUSY, lambda: rds.create_db_instance(**wanted))
            instance = self.instance(name)
        await_available(instance, "DBInstanceStatus", name)

    def own_members(self) -> dict[str, tuple[bool, dict[str, Any]]]:
        """The stack's own instances of its cluster, by name, and whether each is the writer. Others
        are auto scaling's, with tags of its own."""
        source = self.cluster(self._source) or {}
        own = re.compile(re.escape(self._source) + "-[a-c]")
        found = {}
        for member in source.get("DBClusterMembers", []):
            name = member["DBInstanceIdentifier"]
            if own.fullmatch(name) and (instance := self.instance(name)):
                found[name] = (bool(member["IsClusterWriter"]), instance)
        return found

    def _first(self) -> dict[str, Any]:
        """What the copy's first instance is like: a reader where there is one. A copy that is
        adopted fails over once, so that whoever wrote before writes again."""
        own = self.own_members().values()
        if not own:
            raise CopyNotReady(f"{self._source} has no instance to be like")
        return min(own, key=lambda each: (each[0], each[1].get("PromotionTier", 1)))[1]

    def cluster(self, name: str) -> dict[str, Any] | None:
        rds = aws.client("rds")
        answer = tolerating(GONE, lambda: rds.describe_db_clusters(DBClusterIdentifier=name))
        return answer["DBClusters"][0] if answer else None

    def instance(self, name: str) -> dict[str, Any] | None:
        rds = aws.client("rds")
        answer = tolerating(GONE, lambda: rds.describe_db_instances(DBInstanceIdentifier=name))
        return answer["DBInstances"][0] if answer else None

    def members(self, name: str) -> Iterator[dict[str, Any]]:
        pages = (
            aws.client("rds")
            .get_paginator("describe_db_instances")
            .paginate(Filters=[{"Name": "db-cluster-id", "Values": [name]}])
        )
        for page in pages:
            yield from page["DBInstances"]


def await_available(what: dict[str, Any] | None, key: str, name: str) -> None:
    state = str(what[key]) if what else "not there yet"
    if state != AVAILABLE:
        raise CopyNotReady(f"{name} is {state}")


def tolerating(codes: set[str], call: Callable[[], Any]) -> Any:
    """Nothing, when AWS refuses for one of these reasons."""
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if aws.reason(error) not in codes:
            raise
        return None
