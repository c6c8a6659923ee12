"""Gap: a cluster's record forgets log exports, insights and, from a template, much more.

What a stack gives is dropped (parameter group, key and tags as well), what the API gets is accepted
and not told. Here it is kept and told, and a cluster is found by its resource id. Nothing acts on
it.

Test: tests/integration/local/test_rds_record.py
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
    "ministack.services.cloudformation.provisioners:_cfn_bool",
    "ministack.services.cloudformation.provisioners:_rds_db_cluster_fields",
    "ministack.services.rds:_ACTION_MAP",
    "ministack.services.rds:_apply_cluster_filters",
    "ministack.services.rds:_cluster_xml",
    "ministack.services.rds:_p",
    "ministack.services.rds:_parse_member_list",
)
TYPES: tuple[str, ...] = ()

INSIGHTS = {
    "DatabaseInsightsMode": "DatabaseInsightsMode",
    "PerformanceInsightsEnabled": "EnablePerformanceInsights",
    "PerformanceInsightsKMSKeyId": "PerformanceInsightsKMSKeyId",
    "PerformanceInsightsRetentionPeriod": "PerformanceInsightsRetentionPeriod",
}
"""What Describe calls it, and what the actions call it."""


def install(cloud: Cloud) -> None:  # noqa: ARG001
    _keep_properties()
    _tell_all()
    _find_by_resource_id()
    for action in ("CreateDBCluster", "ModifyDBCluster"):
        rds._ACTION_MAP[action] = rds_actions.noted(action, _note)


def _keep_properties() -> None:
    stock = provisioners._rds_db_cluster_fields

    def fields(properties: Properties) -> Record:
        engine = properties.get("Engine", "aurora-postgresql")
        return {
            **stock(properties),
            "DBClusterParameterGroup": properties.get("DBClusterParameterGroupName")
            or f"default.{engine}",
            "KmsKeyId": properties.get("KmsKeyId", ""),
            "StorageEncrypted": provisioners._cfn_bool(properties.get("StorageEncrypted", False)),
            "EnabledCloudwatchLogsExports": properties.get("EnableCloudwatchLogsExports") or [],
            "DatabaseInsightsMode": properties.get("DatabaseInsightsMode", "standard"),
            "PerformanceInsightsEnabled": provisioners._cfn_bool(
                properties.get("PerformanceInsightsEnabled", False)
            ),
            "PerformanceInsightsKMSKeyId": properties.get("PerformanceInsightsKmsKeyId", ""),
            "PerformanceInsightsRetentionPeriod": properties.get(
                "PerformanceInsightsRetentionPeriod", ""
            ),
            "TagList": properties.get("Tags") or [],
        }

    provisioners._rds_db_cluster_fields = fields


def _tell_all() -> None:
    stock = rds._cluster_xml

    def cluster_xml(record: Record) -> str:
        exports = "".join(
            f"<member>{each}</member>" for each in record.get("EnabledCloudwatchLogsExports", [])
        )
        told = f"<EnabledCloudwatchLogsExports>{exports}</EnabledCloudwatchLogsExports>"
        for key in INSIGHTS:
            value = record.get(key, "")
            if value != "":
                text = str(value).lower() if isinstance(value, bool) else value
                told += f"<{key}>{text}</{key}>"
        return f"{stock(record)}{told}"

    rds._cluster_xml = cluster_xml


def _find_by_resource_id() -> None:
    stock = rds._apply_cluster_filters

    def apply(clusters: list[Record], filters: dict[str, list[str]]) -> list[Record]:
        wanted = dict(filters)
        for name, keys in (
            ("db-cluster-resource-id", ("DbClusterResourceId",)),
            ("db-cluster-id", ("DBClusterIdentifier", "DBClusterArn")),
        ):
            if name in wanted:
                values = wanted.pop(name)
                clusters = [c for c in clusters if any(c.get(key) in values for key in keys)]
        found: list[Record] = stock(clusters, wanted)
        return found

    rds._apply_cluster_filters = apply


def _note(record: Record, parameters: Parameters) -> None:
    """Keep what these parameters of an action say."""
    switch = "CloudwatchLogsExportConfiguration"
    logs = set(record.get("EnabledCloudwatchLogsExports", []))
    logs |= set(rds._parse_member_list(parameters, "EnableCloudwatchLogsExports"))
    logs |= set(rds._parse_member_list(parameters, f"{switch}.EnableLogTypes"))
    logs -= set(rds._parse_member_list(parameters, f"{switch}.DisableLogTypes"))
    record["EnabledCloudwatchLogsExports"] = sorted(logs)
    for told, asked in INSIGHTS.items():
        if value := rds._p(parameters, asked):
            record[told] = value
