"""The record of a recovery point, made of a backup job of MiniStack's."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import backup, rds

if TYPE_CHECKING:
    from collections.abc import Mapping

PATCHES: tuple[str, ...] = (
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.services.backup:_vaults",
    "ministack.services.rds:_clusters",
)

KINDS = {"rds": "Aurora", "elasticfilesystem": "EFS", "dynamodb": "DynamoDB", "s3": "S3"}
"""Whose resources can be backed up here, and what AWS Backup calls their type."""

OF_THE_JOB = (
    *("RecoveryPointArn", "BackupVaultName", "BackupVaultArn", "ResourceArn", "ResourceType"),
    *("IamRoleArn", "CreationDate", "CompletionDate", "BackupSizeInBytes"),
)


def arn(service: str, job: dict[str, Any]) -> str:
    """Snapshots are named by their service, what AWS Backup keeps itself is named by it."""
    scope, identity = f"{get_region()}:{get_account_id()}", job["BackupJobId"]
    if service == "rds":
        return f"arn:aws:rds:{scope}:cluster-snapshot:awsbackup:job-{identity}"
    return f"arn:aws:backup:{scope}:recovery-point:{identity}"


def point(job: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    resource, key = job["ResourceArn"], backup._vaults[job["BackupVaultName"]]["EncryptionKeyArn"]
    if job["ResourceType"] == "Aurora":  # a snapshot keeps the key of its cluster
        key = rds._clusters.get(resource.rpartition(":")[2], {}).get("KmsKeyId") or ""
    return {name: job[name] for name in OF_THE_JOB} | {
        "ResourceName": resource.rpartition(":")[2].rpartition("/")[2],
        "Status": "COMPLETED",
        "EncryptionKeyArn": key,
        "IsEncrypted": bool(key),
        "Lifecycle": request.get("Lifecycle") or {},
        "StorageClass": "WARM",
    }


def wanted(point: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    created = point["CreationDate"]
    after, before = (
        dt.datetime.fromisoformat(query[name]).timestamp() if name in query else None
        for name in ("createdAfter", "createdBefore")
    )
    return (
        query.get("resourceArn") in (None, point["ResourceArn"])
        and query.get("resourceType") in (None, point["ResourceType"])
        and (after is None or created > after)
        and (before is None or created < before)
    )
