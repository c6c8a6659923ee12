"""A grant to look at a list is a grant on what AWS judges that list by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.local.conftest import allow, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.local.conftest import Cloud

AREA = "eu-central-1:000000000000"


Look = tuple[str, str, str, str, str, dict[str, Any]]

LOOKS: list[Look] = [
    (
        "rds",
        "rds:DescribeDBInstances",
        f"arn:aws:rds:{AREA}:db:*",
        f"arn:aws:rds:{AREA}:cluster:*",
        "describe_db_instances",
        {"Filters": [{"Name": "db-cluster-id", "Values": ["mine"]}]},
    ),
    (
        "rds",
        "rds:DescribeDBClusters",
        f"arn:aws:rds:{AREA}:cluster:*",
        f"arn:aws:rds:{AREA}:db:*",
        "describe_db_clusters",
        {},
    ),
    (
        "elasticache",
        "elasticache:DescribeSnapshots",
        f"arn:aws:elasticache:{AREA}:snapshot:*",
        f"arn:aws:elasticache:{AREA}:replicationgroup:*",
        "describe_snapshots",
        {"ReplicationGroupId": "mine"},
    ),
    (
        "backup",
        "backup:ListRecoveryPointsByBackupVault",
        f"arn:aws:backup:{AREA}:backup-vault:described",
        f"arn:aws:backup:{AREA}:backup-vault:another",
        "list_recovery_points_by_backup_vault",
        {"BackupVaultName": "described"},
    ),
    (
        "ecs",
        "ecs:DescribeTasks",
        f"arn:aws:ecs:{AREA}:task/described/*",
        f"arn:aws:ecs:{AREA}:cluster/described",
        "describe_tasks",
        {"cluster": "described", "tasks": ["0f9de17a6465404e8b1b2356dc13c2f8"]},
    ),
]


@pytest.fixture(scope="module", autouse=True)
def what_is_there(cloud: Cloud) -> Iterator[None]:
    backup, ecs = cloud.client("backup"), cloud.client("ecs")
    backup.create_backup_vault(BackupVaultName="described")
    ecs.create_cluster(clusterName="described")
    yield
    backup.delete_backup_vault(BackupVaultName="described")
    ecs.delete_cluster(cluster="described")


@pytest.mark.parametrize(("service", "action", "right", "wrong", "call", "given"), LOOKS)
def test_who_may_look_is_decided_as_on_aws(
    cloud: Cloud,
    service: str,
    action: str,
    right: str,
    wrong: str,
    call: str,
    given: dict[str, Any],
) -> None:
    name = f"looks-{call.replace('_', '-')}"
    allowed = cloud.session(service, f"{name}-1", allow(action, right))
    denied = cloud.session(service, f"{name}-2", allow(action, wrong))

    assert refusal(getattr(allowed, call), **given) == "none"
    assert "AccessDenied" in refusal(getattr(denied, call), **given)


def test_who_asks_for_no_task_at_all_is_asked_for_a_grant_on_all_of_them(cloud: Cloud) -> None:
    mine = f"arn:aws:ecs:{AREA}:task/described/*"
    ecs = cloud.session("ecs", "looks-at-nothing", allow("ecs:DescribeTasks", mine))

    assert "AccessDenied" in refusal(ecs.describe_tasks, cluster="described", tasks=[])


def test_tasks_are_listed_by_whoever_is_granted_their_cluster(cloud: Cloud) -> None:
    def condition(cluster: str) -> dict[str, Any]:
        arn = f"arn:aws:ecs:{AREA}:cluster/{cluster}"
        return allow("ecs:ListTasks", "*", Condition={"ArnEquals": {"ecs:cluster": arn}})

    allowed = cloud.session("ecs", "lists-tasks-1", condition("described"))
    denied = cloud.session("ecs", "lists-tasks-2", condition("another"))

    assert refusal(allowed.list_tasks, cluster="described") == "none"
    assert "AccessDenied" in refusal(denied.list_tasks, cluster="described")
