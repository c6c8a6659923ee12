"""The part of the `rds` hook that restores a cluster to a point in time, as a new one.

The volume is really recovered, from the source's base copy and archive. As on AWS the new cluster
is `creating` for a while, it has no instances, and what the call does not name is RDS's default.
Only a cluster that is there can be restored from, not the backups of one that was deleted.
"""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.services import ec2, rds

from local.hooks import rds_actions

if TYPE_CHECKING:
    from local.databases import Databases
    from local.hooks.rds_actions import Answer, Parameters

    Record = dict[str, Any]

PATCHES: tuple[str, ...] = (
    "ministack.services.ec2:_DEFAULT_SG_ID",
    "ministack.services.ec2:_DEFAULT_VPC_ID",
    "ministack.services.ec2:_security_groups",
    "ministack.services.rds:_ACTION_MAP",
    "ministack.services.rds:_clusters",
    "ministack.services.rds:_error",
    "ministack.services.rds:_p",
    "ministack.services.rds:_parse_member_list",
    "ministack.services.rds:_resolve_cluster_in_request_region",
    "ministack.services.rds:_subnet_groups",
)

ACTION = "RestoreDBClusterToPointInTime"

INHERITED = (
    "Engine",
    "EngineVersion",
    "EngineMode",
    "MasterUsername",
    "DatabaseName",
    "BackupRetentionPeriod",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
)


def install(databases: Databases) -> None:
    create = rds._ACTION_MAP["CreateDBCluster"]

    def restore(parameters: Parameters) -> Answer:
        source = _source(parameters)
        if source:
            databases.refresh(source["DBClusterIdentifier"])
        if refusal := _refusal(parameters, source):
            return refusal
        if databases.behind(source["DBClusterIdentifier"]) is None:
            message = "The laptop cloud has servers, and so a past, for aurora-postgresql only."
            return _error("InvalidDBClusterStateFault", message)
        wanted = _wanted(parameters, source)
        created: Answer = create(wanted)
        if created[0] != HTTPStatus.OK:
            return created
        record = rds._clusters[wanted["DBClusterIdentifier"]]
        record["Status"] = "creating"
        databases.restore(
            record["DBClusterIdentifier"], source["DBClusterIdentifier"], _moment(parameters)
        )
        return rds_actions.answer(ACTION, record)

    rds._ACTION_MAP[ACTION] = restore


def _source(parameters: Parameters) -> Record:
    name = rds._p(parameters, "SourceDBClusterIdentifier")
    identity = rds._p(parameters, "SourceDbClusterResourceId")
    if name:
        return rds._resolve_cluster_in_request_region(name) or {}
    return next((c for c in rds._clusters.values() if c["DbClusterResourceId"] == identity), {})


def _refusal(parameters: Parameters, source: Record) -> Answer | None:
    group = rds._p(parameters, "DBSubnetGroupName")
    if not rds._p(parameters, "DBClusterIdentifier"):
        return _error("MissingParameter", "DBClusterIdentifier is required")
    if not source:
        return _error("DBClusterNotFoundFault", "The source DB cluster was not found.", 404)
    if source["Status"] in ("creating", "failed"):  # a stopped one has its backups
        message = f"DbCluster {source['DBClusterIdentifier']} is in {source['Status']} state."
        return _error("InvalidDBClusterStateFault", message)
    if group and group not in rds._subnet_groups:
        return _error("DBSubnetGroupNotFoundFault", f"DB subnet group {group} not found.", 404)
    return _refused_time(parameters, source)


def _refused_time(parameters: Parameters, source: Record) -> Answer | None:
    latest = rds._p(parameters, "UseLatestRestorableTime") == "true"
    if latest == bool(rds._p(parameters, "RestoreToTime")):
        message = "Specify either RestoreToTime or UseLatestRestorableTime."
        return _error("InvalidParameterCombination", message)
    if latest:
        return None
    first, last = (source[f"{each}RestorableTime"] for each in ("Earliest", "Latest"))
    try:
        moment = _moment(parameters)
    except ValueError:
        return _error("InvalidParameterValue", "RestoreToTime is not a time.")
    if moment and not _parsed(first) <= moment <= _parsed(last):
        message = f"The cluster can be restored to a time from {first} to {last} only."
        return _error("InvalidRestoreFault", message)
    return None


def _moment(parameters: Parameters) -> dt.datetime | None:
    """None: as late as can be. Raises: `ValueError`."""
    text = rds._p(parameters, "RestoreToTime")
    return _parsed(text) if text else None


def _parsed(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _wanted(parameters: Parameters, source: Record) -> Parameters:
    """The parameters of a creation that makes the same record."""
    major = source["EngineVersion"].partition(".")[0]
    defaults = {"DBClusterParameterGroupName": f"default.{source['Engine']}{major}"}
    if not rds._parse_member_list(parameters, "VpcSecurityGroupIds"):
        group = _default_group(rds._p(parameters, "DBSubnetGroupName"))
        defaults["VpcSecurityGroupIds.member.1"] = group
    encryption = {
        "StorageEncrypted": "true" if source.get("StorageEncrypted") else "false",
        "KmsKeyId": rds._p(parameters, "KmsKeyId") or source.get("KmsKeyId", ""),
    }
    return {
        **defaults,
        **{key: str(source[key]) for key in INHERITED if source.get(key)},
        **parameters,
        **encryption,
        "MasterUserPassword": source["_MasterUserPassword"],
        "DBClusterIdentifier": rds._p(parameters, "DBClusterIdentifier").lower(),
    }


def _default_group(subnet_group: str) -> str:
    """The default security group of the VPC that the cluster will be in."""
    vpc = rds._subnet_groups.get(subnet_group, {}).get("VpcId", ec2._DEFAULT_VPC_ID)
    groups = ec2._security_groups.values()
    found = (g["GroupId"] for g in groups if (g["GroupName"], g["VpcId"]) == ("default", vpc))
    return str(next(found, ec2._DEFAULT_SG_ID))


def _error(code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> Answer:
    answer: Answer = rds._error(code, message, int(status))
    return answer
