"""The database's clusters, as RDS describes them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from demo.platform import Platform

GONE_WITHIN_S: Final = 60.0
LOOK_S: Final = 0.5


def in_service(platform: Platform) -> str:
    """Resource id of the cluster that the stack's name belongs to."""
    return str(_own(platform)["DbClusterResourceId"])


def restorable_to(platform: Platform) -> float:
    """Seconds since 1970."""
    return float(_own(platform)["LatestRestorableTime"].timestamp())


def members(platform: Platform) -> list[str]:
    """The names of its instances, the writer first."""
    found = sorted(_own(platform)["DBClusterMembers"], key=lambda each: not each["IsClusterWriter"])
    return [each["DBInstanceIdentifier"] for each in found]


def beside(platform: Platform) -> list[str]:
    """Clusters that are there beside it: copies, and what was replaced."""
    own = platform.outputs["AuroraClusterId"]
    names = [
        each["DBClusterIdentifier"]
        for page in platform.client("rds").get_paginator("describe_db_clusters").paginate()
        for each in page["DBClusters"]
    ]
    return [name for name in names if name.startswith(f"{own}-")]


def remove(platform: Platform, resource_id: str) -> None:
    """A cluster that was replaced, with its instances. Safe to repeat; it ends in its own time."""
    rds = platform.client("rds")
    for found in _by_resource_id(rds, resource_id):
        if found["DBClusterIdentifier"] == platform.outputs["AuroraClusterId"]:
            raise ValueError(f"{resource_id} is in service")
        members = sorted(found["DBClusterMembers"], key=lambda each: each["IsClusterWriter"])
        for member in members:  # the writer last, or each of them is promoted once more
            rds.delete_db_instance(
                DBInstanceIdentifier=member["DBInstanceIdentifier"], SkipFinalSnapshot=True
            )
        rds.delete_db_cluster(
            DBClusterIdentifier=found["DBClusterIdentifier"], SkipFinalSnapshot=True
        )
    deadline = time.monotonic() + GONE_WITHIN_S
    while _by_resource_id(rds, resource_id) and time.monotonic() < deadline:
        time.sleep(LOOK_S)


def _own(platform: Platform) -> dict[str, Any]:
    name = platform.outputs["AuroraClusterId"]
    answer = platform.client("rds").describe_db_clusters(DBClusterIdentifier=name)
    found: dict[str, Any] = answer["DBClusters"][0]
    return found


def _by_resource_id(rds: Any, resource_id: str) -> list[dict[str, Any]]:
    wanted = [{"Name": "db-cluster-resource-id", "Values": [resource_id]}]
    found: list[dict[str, Any]] = rds.describe_db_clusters(Filters=wanted)["DBClusters"]
    return found
