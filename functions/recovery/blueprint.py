"""What a copy must be like, from what Describe says of the cluster that it is a copy of. Pure.

RDS gives a restored cluster defaults for whatever is not named: the default security group, the
default parameters, no key of ours. The log is left out on purpose: RDS would make a log group that
nobody owns, and write there that every login gets a password.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Described = Mapping[str, Any]

MARK = "Restore"
"""The tag that names the run: by it a copy is found again, and told from the stack's own."""

_SAME = ("KmsKeyId", "Port", "CopyTagsToSnapshot")
_PLACED = ("AvailabilityZone",)
_SET_AT_ONCE = ("PromotionTier", "PreferredMaintenanceWindow", "CACertificateIdentifier")
_INSIGHTS = (
    "DatabaseInsightsMode",
    "PerformanceInsightsEnabled",
    "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod",
)
_OF_A_CLUSTER = (
    "BackupRetentionPeriod",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
    *_INSIGHTS,
)
_OF_AN_INSTANCE = (
    *_SET_AT_ONCE,
    "AutoMinorVersionUpgrade",
    "MonitoringInterval",
    "MonitoringRoleArn",
)
_RENAMED = {
    "DBSubnetGroup": "DBSubnetGroupName",
    "DBClusterParameterGroup": "DBClusterParameterGroupName",
    "IAMDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
}


def cluster(
    source: Described, name: str, run: str, groups: Sequence[str], target: float | None
) -> dict[str, Any]:
    """Parameters of RestoreDBClusterToPointInTime; without a target the latest time there is."""
    given = {key: source[key] for key in _SAME if key in source}
    given |= {new: source[old] for old, new in _RENAMED.items() if old in source}
    if scaling := dict(source.get("ServerlessV2ScalingConfiguration", {})):
        if scaling.get("MinCapacity"):
            scaling.pop("SecondsUntilAutoPause", None)  # refused where it cannot pause
        given["ServerlessV2ScalingConfiguration"] = scaling
    when: dict[str, Any] = (
        {"UseLatestRestorableTime": True}
        if target is None
        else {"RestoreToTime": datetime.fromtimestamp(target, UTC)}
    )
    return {
        "SourceDBClusterIdentifier": source["DBClusterIdentifier"],
        "DBClusterIdentifier": name,
        "VpcSecurityGroupIds": list(groups),
        "DeletionProtection": False,
        "Tags": _tags(source, run),
        **given,
        **when,
    }


def instance(source: Described, cluster_name: str, name: str, run: str) -> dict[str, Any]:
    """Parameters of CreateDBInstance: whatever only a new instance takes, or takes at once."""
    groups = source.get("DBParameterGroups", [])
    given = {key: source[key] for key in (*_PLACED, *_SET_AT_ONCE) if key in source}
    return {
        "DBInstanceIdentifier": name,
        "DBClusterIdentifier": cluster_name,
        "DBInstanceClass": source["DBInstanceClass"],
        "Engine": source["Engine"],
        "PubliclyAccessible": False,
        "AutoMinorVersionUpgrade": bool(source.get("AutoMinorVersionUpgrade", True)),
        "Tags": _tags(source, run),
        **given,
        **({"DBParameterGroupName": groups[0]["DBParameterGroupName"]} if groups else {}),
    }


def cluster_changes(source: Described, copy: Described, groups: Sequence[str]) -> dict[str, Any]:
    """Parameters of ModifyDBCluster that make a copy as its source was in service; none when it is.

    Not before it bears the source's name: its log would go into a group that nobody owns.
    """
    wanted = {key: source[key] for key in _OF_A_CLUSTER if key in source}
    changed = {key: value for key, value in wanted.items() if copy.get(key) != value}
    if any(key in changed for key in _INSIGHTS):  # RDS takes them together
        changed |= {key: wanted[key] for key in _INSIGHTS if key in wanted}
    exports, exported = (each.get("EnabledCloudwatchLogsExports", []) for each in (source, copy))
    if missing := sorted(set(exports) - set(exported)):
        changed["CloudwatchLogsExportConfiguration"] = {"EnableLogTypes": missing}
    if worn(copy) != set(groups):
        changed["VpcSecurityGroupIds"] = list(groups)
    renamed = {"PerformanceInsightsEnabled": "EnablePerformanceInsights"}
    return {renamed.get(key, key): value for key, value in changed.items()}


def instance_changes(source: Described, copy: Described) -> dict[str, Any]:
    """As `cluster_changes`, of ModifyDBInstance."""
    wanted = {key: source[key] for key in _OF_AN_INSTANCE if key in source}
    return {key: value for key, value in wanted.items() if copy.get(key) != value}


def worn(cluster: Described) -> set[str]:
    """The security groups of a cluster."""
    return {each["VpcSecurityGroupId"] for each in cluster.get("VpcSecurityGroups", [])}


def _tags(source: Described, run: str) -> list[dict[str, str]]:
    """The source's own; AWS keeps those that it has put there to itself."""
    kept = [tag for tag in source.get("TagList", []) if not tag["Key"].startswith("aws:")]
    return [*kept, {"Key": MARK, "Value": run}]
