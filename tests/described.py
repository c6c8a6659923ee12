"""What RDS says of a cluster and its instances, but for what only one life of them can have."""

from __future__ import annotations

import json
from typing import Any

OF_ONE_LIFE = {
    "ClusterCreateTime",
    "DbClusterResourceId",
    "DbiResourceId",
    "EarliestRestorableTime",
    "InstanceCreateTime",
    "LatestRestorableTime",
}


def cluster(rds: Any, name: str) -> dict[str, str]:
    """By thing and field, each as JSON."""
    [found] = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    instances = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [name]}])
    things = {f"{name} itself": found}
    things |= {each["DBInstanceIdentifier"]: each for each in instances["DBInstances"]}
    return {
        f"{thing}.{field}": json.dumps(_kept(field, value), default=str, sort_keys=True)
        for thing, fields in things.items()
        for field, value in fields.items()
        if field not in OF_ONE_LIFE
    }


def differing(before: dict[str, str], after: dict[str, str]) -> dict[str, Any]:
    """Field by field: what was told, and what is told now."""
    return {
        field: (before.get(field), after.get(field))
        for field in sorted(before.keys() | after.keys())
        if before.get(field) != after.get(field)
    }


def _kept(field: str, value: Any) -> Any:
    """AWS keeps tags of its own to itself; in which order it lists is its own affair."""
    if field == "TagList":
        value = [tag for tag in value if not tag["Key"].startswith("aws:")]
    return sorted(value, key=str) if isinstance(value, list) else value
