"""An environment on its way out: its scene, and databases that can be deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from account import tree
from account.destroy.scene import Scene
from tests.unit.account.answers import Answers, Paper, Refused

if TYPE_CHECKING:
    from account import guard

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ROOT = tree.Root("arn:aws:cloudformation:eu-central-1:123456789012:stack/streamflix-dev/1", "X")
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"


def scene(account: guard.Account, *resources: tuple[str, str]) -> Scene:
    found = [
        tree.Resource("", f"R{n}", kind, name, "X") for n, (kind, name) in enumerate(resources)
    ]
    return Scene(account, "streamflix-dev", Paper(), ROOT, found)


def cluster(name: str, *members: str, **more: Any) -> dict[str, Any]:
    listed = [{"DBInstanceIdentifier": each} for each in members]
    one = {"DBClusterIdentifier": name, "Status": "available", "ClusterCreateTime": NOW}
    return {**one, "DBClusterMembers": listed, **more}


class Databases:
    """Clusters and members that can be deleted, in AWS's own words."""

    def __init__(self, answers: Answers, *clusters: dict[str, Any]) -> None:
        self.clusters = {each["DBClusterIdentifier"]: each for each in clusters}
        answers["rds.describe_db_clusters"] = lambda: {"DBClusters": [*self.clusters.values()]}
        answers["rds.describe_db_instances"] = self.members
        answers["rds.delete_db_instance"] = self.drop
        answers["rds.delete_db_cluster"] = self.delete
        answers["rds.modify_db_cluster"] = {}

    def members(self, **asked: str) -> dict[str, Any]:
        wanted = asked.get("DBInstanceIdentifier")
        names = [
            each["DBInstanceIdentifier"]
            for one in self.clusters.values()
            for each in one["DBClusterMembers"]
        ]
        found = [{"DBInstanceIdentifier": n, "DBInstanceStatus": "available"} for n in names]
        return {"DBInstances": [e for e in found if wanted in (None, e["DBInstanceIdentifier"])]}

    def drop(self, **asked: Any) -> dict[str, Any]:
        assert asked["SkipFinalSnapshot"]
        for one in self.clusters.values():
            left = one["DBClusterMembers"]
            name = asked["DBInstanceIdentifier"]
            one["DBClusterMembers"] = [e for e in left if e["DBInstanceIdentifier"] != name]
        return {}

    def delete(self, **asked: Any) -> Any:
        assert asked["SkipFinalSnapshot"]
        assert asked["DeleteAutomatedBackups"]
        if self.clusters[asked["DBClusterIdentifier"]]["DBClusterMembers"]:
            return Refused("InvalidDBClusterStateFault", "still contains DB instances")
        del self.clusters[asked["DBClusterIdentifier"]]
        return {}
