"""A copy takes the place of the cluster that it is a copy of, and later its names.

Clusters are known by resource id: that stays what it is while names move.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from recovery import blueprint
from recovery.clusters import BUSY, THERE_ALREADY, Clusters, await_available, tolerating
from recovery.errors import CopyNotReady
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recovery.restores import Restore

    Described = dict[str, Any]


class Takeover:
    """Each method does what is left of it; raises `CopyNotReady` until AWS has done its part."""

    def __init__(self, source: str, quarantine: str) -> None:
        """`source` is the name of the stack's cluster, `quarantine` a security group."""
        self._source = source
        self._quarantine = quarantine
        self.clusters = Clusters(source, [quarantine])

    def source(self) -> Described:
        return self._known(self._source)

    def known(self, resource_id: str) -> Described:
        """The cluster, whatever it is called by now."""
        answer = aws.client("rds").describe_db_clusters(
            Filters=[{"Name": "db-cluster-resource-id", "Values": [resource_id]}]
        )
        for cluster in answer["DBClusters"]:
            found: Described = cluster
            return found
        raise CopyNotReady(f"{resource_id} is not to be seen")

    def dress(self, cluster: Described, groups: Sequence[str]) -> None:
        """Give it these security groups and no other."""
        if blueprint.worn(cluster) != set(groups):
            self._change(cluster, VpcSecurityGroupIds=list(groups))

    def serve(self, copy: Described, groups: Sequence[str], *, protected: bool) -> None:
        """Let clients at it, keep it from being deleted as the original is; whoever takes copies
        away does not know it any more."""
        if protected and not copy.get("DeletionProtection"):
            self._change(copy, DeletionProtection=True)
        self.dress(copy, groups)
        _unmark(copy["DBClusterArn"], copy)

    def add_readers(self, restore: Restore) -> None:
        """As many instances as the original has from the stack, each like its own."""
        source = self.clusters.cluster(self._source) or {}
        if source.get("DbClusterResourceId") != restore.replaced:
            return  # an adoption came so far: the names are the copy's by now
        for name, (_, model) in self.clusters.own_members().items():
            copied = restore.copy + name.removeprefix(self._source)
            self.clusters.await_instance(copied, model, restore)

    def step_aside(self, old: Described, name: str) -> None:
        """Give the replaced cluster and its instances names that begin with this one; nothing keeps
        it from being deleted any more."""
        if old.get("DeletionProtection"):
            self._change(old, DeletionProtection=False)
        self._rename_members(old, self._source, name)
        self._rename(old, name)

    def step_in(self, new: Described) -> None:
        """Give the copy the cluster's name."""
        self._rename(new, self._source)

    def name_members(self, new: Described, copy: str) -> None:
        """Give its instances the stack's names, the writer last, who is none any more by then."""
        self._rename_members(new, copy, self._source, writer=False)
        writer = next((each for each in new["DBClusterMembers"] if each["IsClusterWriter"]), None)
        if writer is None:
            raise CopyNotReady(f"{new['DBClusterIdentifier']} has no writer just now")
        if not writer["DBInstanceIdentifier"].startswith(f"{copy}-"):
            return
        heirs = self.clusters.own_members()
        if heirs:
            self._fail_over(new, min(heirs, key=lambda name: _tier(heirs[name][1])))
        self._rename_members(new, copy, self._source)

    def finish(self, old: Described, new: Described, groups: Sequence[str]) -> None:
        """What only a cluster in service has: backups' windows, insights, a log."""
        if changes := blueprint.cluster_changes(old, new, groups):
            self._change(new, **changes)
        models = self._by_ending(old)
        for ending, instance in self._by_ending(new).items():
            if ending in models and (
                changes := blueprint.instance_changes(models[ending], instance)
            ):
                self._change_instance(instance, **changes)
            await_available(instance, "DBInstanceStatus", instance["DBInstanceIdentifier"])
            _unmark(instance["DBInstanceArn"], instance)

    def _known(self, name: str) -> Described:
        cluster = self.clusters.cluster(name)
        if cluster is None:
            raise CopyNotReady(f"{name} is not there")
        return cluster

    def _by_ending(self, cluster: Described) -> dict[str, Described]:
        members = self.clusters.members(cluster["DBClusterIdentifier"])
        return {each["DBInstanceIdentifier"].rpartition("-")[2]: each for each in members}

    def _rename(self, cluster: Described, name: str) -> None:
        resource_id = cluster["DbClusterResourceId"]
        if self.known(resource_id)["DBClusterIdentifier"] != name:
            self._change(cluster, NewDBClusterIdentifier=name)
        now = self.known(resource_id)
        if now["DBClusterIdentifier"] != name:
            raise CopyNotReady(f"{cluster['DBClusterIdentifier']} is being renamed")
        await_available(now, "Status", name)

    def _rename_members(
        self, cluster: Described, before: str, after: str, *, writer: bool = True
    ) -> None:
        for member in self.known(cluster["DbClusterResourceId"])["DBClusterMembers"]:
            name = member["DBInstanceIdentifier"]
            ending = name.removeprefix(before)
            own = name == before + ending and len(ending) == len("-a")
            if own and (writer or not member["IsClusterWriter"]):
                self._rename_instance(name, after + ending)

    def _rename_instance(self, name: str, new: str) -> None:
        if instance := self.clusters.instance(name):
            self._change_instance(instance, NewDBInstanceIdentifier=new)
        await_available(self.clusters.instance(new), "DBInstanceStatus", new)

    def _fail_over(self, cluster: Described, heir: str) -> None:
        resource_id = cluster["DbClusterResourceId"]
        name = self.known(resource_id)["DBClusterIdentifier"]
        call = partial(
            aws.client("rds").failover_db_cluster,
            DBClusterIdentifier=name,
            TargetDBInstanceIdentifier=heir,
        )
        if not self._writes(resource_id, heir):
            tolerating(BUSY, call)
        now = self.known(resource_id)
        if not self._writes(resource_id, heir):
            raise CopyNotReady(f"{heir} is not the writer yet")
        await_available(now, "Status", name)

    def _writes(self, resource_id: str, name: str) -> bool:
        return any(
            member["IsClusterWriter"] and member["DBInstanceIdentifier"] == name
            for member in self.known(resource_id)["DBClusterMembers"]
        )

    def _change(self, cluster: Described, **changes: Any) -> None:
        name = self.known(cluster["DbClusterResourceId"])["DBClusterIdentifier"]
        modify = partial(aws.client("rds").modify_db_cluster, DBClusterIdentifier=name)
        _at_once(modify, name, changes)

    def _change_instance(self, instance: Described, **changes: Any) -> None:
        name = instance["DBInstanceIdentifier"]
        modify = partial(aws.client("rds").modify_db_instance, DBInstanceIdentifier=name)
        _at_once(modify, name, changes)


def _at_once(modify: Callable[..., Any], name: str, changes: Described) -> None:
    call = partial(modify, ApplyImmediately=True, **changes)
    if tolerating(BUSY | THERE_ALREADY, call) is None:
        raise CopyNotReady(f"{name} takes no changes yet")


def _unmark(arn: str, described: Described) -> None:
    if any(tag["Key"] == blueprint.MARK for tag in described.get("TagList", [])):
        aws.client("rds").remove_tags_from_resource(ResourceName=arn, TagKeys=[blueprint.MARK])


def _tier(instance: Described) -> int:
    return int(instance.get("PromotionTier", 1))
