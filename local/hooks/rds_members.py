"""Gap: an instance's record forgets its certificate, its tier when it changes, and its cluster.

Of an instance's settings ModifyDBInstance drops some without a word, a stack's instance has no tags
that a call could add to, and no instance tells what it has from its cluster: volume, key, groups
and windows. Here a stack's instance, one of the API and one that was changed tell the same.

Test: tests/integration/local/test_rds_adoption.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services import rds
from ministack.services.cloudformation import provisioners

from local.hooks import rds_actions

if TYPE_CHECKING:
    from local.context import Cloud
    from local.hooks.rds_actions import Parameters
    from local.resource_types import Properties

    Record = dict[str, Any]

PATCHES: tuple[str, ...] = (
    "ministack.services.cloudformation.provisioners:_rds_db_instance_attrs",
    "ministack.services.cloudformation.provisioners:_rds_db_instance_fields",
    "ministack.services.rds:_ACTION_MAP",
    "ministack.services.rds:_clusters",
    "ministack.services.rds:_instance_xml",
    "ministack.services.rds:_p",
    "ministack.services.rds:_subnet_groups",
    "ministack.services.rds:_tags",
)
TYPES: tuple[str, ...] = ()

CERTIFICATE = "rds-ca-rsa2048-g1"
"""RDS's choice for who names none."""

FROM_ITS_CLUSTER = (
    "BackupRetentionPeriod",
    "EngineVersion",
    "IAMDatabaseAuthenticationEnabled",
    "KmsKeyId",
    "MasterUsername",
    "PerformanceInsightsEnabled",
    "PerformanceInsightsRetentionPeriod",
    "PreferredBackupWindow",
    "StorageEncrypted",
    "VpcSecurityGroups",
)
TOLD_AS_WELL = ("DatabaseInsightsMode", "PerformanceInsightsKMSKeyId")
"""Of the cluster's, and not told of an instance by stock."""


def install(cloud: Cloud) -> None:  # noqa: ARG001
    _keep_properties()
    _tell_all()
    for action in ("CreateDBInstance", "ModifyDBInstance"):
        rds._ACTION_MAP[action] = rds_actions.noted(action, _note)


def _keep_properties() -> None:
    fields, attributes = provisioners._rds_db_instance_fields, provisioners._rds_db_instance_attrs

    def all_fields(properties: Properties) -> Record:
        cluster = rds._clusters.get(properties.get("DBClusterIdentifier") or "", {})
        version = {"EngineVersion": cluster["EngineVersion"]} if cluster else {}
        certificate = properties.get("CACertificateIdentifier") or CERTIFICATE
        return {**fields(properties | version), **_certificate(certificate)}

    def noting_tags(record: Record) -> Any:
        """Every handler ends with this, when the record is what it will be."""
        rds._tags[record["DBInstanceArn"]] = record["TagList"]
        return attributes(record)

    provisioners._rds_db_instance_fields = all_fields
    provisioners._rds_db_instance_attrs = noting_tags


def _tell_all() -> None:
    stock = rds._instance_xml

    def instance_xml(record: Record) -> str:
        cluster = rds._clusters.get(record.get("DBClusterIdentifier") or "", {})
        said = {key: cluster[key] for key in FROM_ITS_CLUSTER if cluster.get(key) not in (None, "")}
        if group := rds._subnet_groups.get(cluster.get("DBSubnetGroup", "")):
            said["DBSubnetGroup"] = group
        told = "".join(f"<{key}>{cluster[key]}</{key}>" for key in TOLD_AS_WELL if cluster.get(key))
        return f"{stock({**record, **said})}{told}"

    rds._instance_xml = instance_xml


def _note(record: Record, parameters: Parameters) -> None:
    """Keep what these parameters of an action say."""
    if certificate := rds._p(parameters, "CACertificateIdentifier"):
        record.update(_certificate(certificate))
    if upgrade := rds._p(parameters, "AutoMinorVersionUpgrade"):
        record["AutoMinorVersionUpgrade"] = upgrade == "true"
    if tier := rds._p(parameters, "PromotionTier"):
        record["PromotionTier"] = int(tier)
    cluster = rds._clusters.get(record.get("DBClusterIdentifier") or "", {})
    for member in cluster.get("DBClusterMembers", []):
        if member["DBInstanceIdentifier"] == record["DBInstanceIdentifier"]:
            member["PromotionTier"] = record["PromotionTier"]


def _certificate(name: str) -> Record:
    return {
        "CACertificateIdentifier": name,
        "CertificateDetails": {"CAIdentifier": name, "ValidTill": "2061-01-01T00:00:00Z"},
    }
