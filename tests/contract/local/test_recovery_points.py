"""A backup job leaves a recovery point that can be found, and a vault with one in it stays."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.local.conftest import Cloud

VAULT = "recovery-points"
SCOPE = "eu-central-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/backup"
FILES = f"arn:aws:elasticfilesystem:{SCOPE}:file-system/fs-0123456789abcdef0"
CLUSTER = f"arn:aws:rds:{SCOPE}:cluster:recovery-points"


def resources(key: str) -> dict[str, Any]:
    return {
        "Vault": {
            "Type": "AWS::Backup::BackupVault",
            "Properties": {
                "BackupVaultName": VAULT,
                "EncryptionKeyArn": key,
                "AccessPolicy": {"Version": "2012-10-17", "Statement": []},
            },
        }
    }


@pytest.fixture
def stack(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[str]:
    """A stack's name; its vault is empty and gone afterwards."""
    name = request.node.name.replace("_", "-")
    cloud.deploy(name, resources(cloud.key()))
    yield name
    client = cloud.client("backup")
    if client.list_backup_vaults()["BackupVaultList"]:
        for arn in held(client):
            client.delete_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=arn)
        cloud.delete(name)


@pytest.fixture
def backup(cloud: Cloud, stack: str) -> Any:
    return cloud.client("backup")


def back_up(client: Any, resource: str, **more: Any) -> str:
    started = client.start_backup_job(
        BackupVaultName=VAULT, ResourceArn=resource, IamRoleArn=ROLE, **more
    )
    job = client.describe_backup_job(BackupJobId=started["BackupJobId"])
    assert job["RecoveryPointArn"] == started["RecoveryPointArn"]
    return str(job["RecoveryPointArn"])


def held(client: Any, **filters: Any) -> list[str]:
    listed = client.list_recovery_points_by_backup_vault(BackupVaultName=VAULT, **filters)
    return [point["RecoveryPointArn"] for point in listed["RecoveryPoints"]]


def test_a_completed_job_leaves_a_recovery_point_that_is_described(backup: Any) -> None:
    began = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    files = back_up(backup, FILES, Lifecycle={"DeleteAfterDays": 7})
    cluster = back_up(backup, CLUSTER)

    point = backup.describe_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=files)
    vault = backup.describe_backup_vault(BackupVaultName=VAULT)
    assert files.startswith(f"arn:aws:backup:{SCOPE}:recovery-point:")
    assert cluster.startswith(f"arn:aws:rds:{SCOPE}:cluster-snapshot:awsbackup:job-")
    assert (point["Status"], point["ResourceType"]) == ("COMPLETED", "EFS")
    assert (point["ResourceArn"], point["IamRoleArn"]) == (FILES, ROLE)
    assert point["Lifecycle"] == {"DeleteAfterDays": 7}
    assert point["EncryptionKeyArn"] == vault["EncryptionKeyArn"] != ""
    assert began <= point["CreationDate"] <= point["CompletionDate"]
    assert began - dt.timedelta(minutes=5) <= vault["CreationDate"]
    assert vault["NumberOfRecoveryPoints"] == 2


def test_recovery_points_are_found_by_vault_resource_type_and_time(backup: Any) -> None:
    files, cluster = back_up(backup, FILES), back_up(backup, CLUSTER)
    now, hour = dt.datetime.now(dt.UTC), dt.timedelta(hours=1)

    assert held(backup) == [files, cluster]
    assert held(backup, ByResourceArn=CLUSTER) == [cluster]
    assert held(backup, ByResourceType="EFS") == [files]
    assert held(backup, ByCreatedAfter=now - hour) == [files, cluster]
    assert held(backup, ByCreatedAfter=now + hour) == []
    assert held(backup, ByCreatedBefore=now - hour) == []
    of_files = backup.list_recovery_points_by_resource(ResourceArn=FILES)["RecoveryPoints"]
    assert [point["RecoveryPointArn"] for point in of_files] == [files]


def test_a_recovery_point_that_is_deleted_is_gone(backup: Any) -> None:
    arn = back_up(backup, FILES)

    backup.delete_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=arn)

    assert held(backup) == []
    with pytest.raises(backup.exceptions.ResourceNotFoundException):
        backup.describe_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=arn)
    with pytest.raises(backup.exceptions.ResourceNotFoundException):
        backup.delete_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=arn)


def test_a_vault_with_a_recovery_point_stays_until_it_is_empty(
    cloud: Cloud, stack: str, backup: Any
) -> None:
    arn = back_up(backup, FILES)

    with pytest.raises(backup.exceptions.InvalidRequestException, match="1 recovery point"):
        backup.delete_backup_vault(BackupVaultName=VAULT)
    cloud.client("cloudformation").delete_stack(StackName=stack)
    assert cloud.settled(stack)["StackStatus"] == "DELETE_FAILED"
    assert held(backup) == [arn]

    backup.delete_backup_vault_access_policy(BackupVaultName=VAULT)  # as a destroy does
    backup.delete_recovery_point(BackupVaultName=VAULT, RecoveryPointArn=arn)
    cloud.delete(stack)
    assert backup.list_backup_vaults()["BackupVaultList"] == []
