"""Who mounts the files, who ends a recovery point, and when one is made."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.contract.templates import house
from tests.contract.templates.policies import Request, admits, speaks_of, statements

ACCOUNT, STRANGER = "111122223333", "999988887777"
FILE_SYSTEM = f"arn:aws:elasticfilesystem:eu-central-1:{ACCOUNT}:file-system/fs-1"
POINT = f"arn:aws:elasticfilesystem:eu-central-1:{ACCOUNT}:access-point/fsap-1"
VALUES = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": ACCOUNT,
    "EnvironmentSuffix": "prod",
}
SNAPSHOT = "arn:aws:rds:eu-central-1:111122223333:cluster-snapshot:awsbackup:job-1"
ENDS = ["DeleteRecoveryPoint", "DisassociateRecoveryPoint", "UpdateRecoveryPointLifecycle"]


def properties(stack: str, logical_id: str) -> house.Body:
    file = house.read(house.ROOT / f"stacks/{stack}.yaml")
    return dict(file.resources()[logical_id]["Properties"])


def resolved(node: Any) -> Any:
    """The node with what a template of this account would read, and each option taken."""
    match node:
        case {"Ref": name}:
            return VALUES.get(name, node)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda it: VALUES.get(it[1], it[1]), text)
        case dict():
            return {key: resolved(value) for key, value in node.items()}
        case list():
            return [resolved(value) for value in node]
    return node


def mount(action: str = "ClientMount", **context: str) -> Request:
    """A mount as the service does it, with these differences; an empty value is not sent."""
    role = f"arn:aws:iam::{context.get('account', ACCOUNT)}:role/streamflix-service-task-prod"
    sent = {
        "aws:SecureTransport": context.get("tls", "true"),
        "aws:PrincipalAccount": context.get("account", ACCOUNT),
        "elasticfilesystem:AccessPointArn": context.get("point", POINT),
        "elasticfilesystem:AccessedViaMountTarget": "true",
    }
    given = {key: value for key, value in sent.items() if value}
    return Request(role, f"elasticfilesystem:{action}", FILE_SYSTEM, given)


@pytest.mark.parametrize(
    ("request_", "admitted"),
    [
        (mount(), True),
        (mount("ClientWrite"), True),
        (mount("ClientRootAccess"), False),
        (mount(tls="false"), False),
        (mount(point=""), False),
        (mount(account=STRANGER), False),
    ],
)
def test_files_are_mounted_with_tls_and_a_role_of_ours_through_an_access_point(
    request_: Request, admitted: bool
) -> None:
    policy = resolved(properties("files", "FileSystem")["FileSystemPolicy"])

    assert admits(policy, request_) is admitted


def test_no_refusal_of_the_file_system_can_be_lifted_by_a_role_s_own_policy() -> None:
    policy = resolved(properties("files", "FileSystem")["FileSystemPolicy"])
    refused = [mount(tls="false"), mount(point=""), mount(account=STRANGER)]
    denials = [it for it in statements(policy) if it["Effect"] == "Deny"]

    assert [it for it in refused if not any(speaks_of(deny, it) for deny in denials)] == []


def test_no_policy_of_a_store_can_lock_out_who_changes_it() -> None:
    files = statements(properties("files", "FileSystem")["FileSystemPolicy"])
    vault = statements(properties("backup", "Vault")["AccessPolicy"])
    denied = {
        action
        for statement in (*files, *vault)
        if statement["Effect"] == "Deny"
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }

    assert denied == {
        *(f"elasticfilesystem:Client{it}" for it in ("Mount", "Write", "RootAccess")),
        *(f"backup:{it}" for it in ENDS),
        "backup:CopyFromBackupVault",
    }


@pytest.mark.parametrize("action", ENDS)
def test_only_the_lifecycle_ends_a_protected_recovery_point(action: str) -> None:
    policy = resolved(properties("backup", "Vault")["AccessPolicy"])
    (denial,) = [it for it in statements(policy) if it["Sid"] == "OnlyTheLifecycleDeletes"]

    def refused(role: str) -> bool:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        sent = {"aws:PrincipalArn": arn, "aws:PrincipalAccount": ACCOUNT}
        return speaks_of(denial, Request(arn, f"backup:{action}", SNAPSHOT, sent))

    assert refused("Administrator")
    assert refused("streamflix-backup-dev")
    assert not refused("streamflix-backup-prod")
    assert not refused("aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup")


def rules(plan: str) -> list[house.Body]:
    return list(properties("backup", plan)["BackupPlan"]["BackupPlanRule"])


@pytest.mark.parametrize("plan", ["DatabasePlan", "FilesPlan"])
def test_no_recovery_point_and_no_copy_outlives_point_in_time_recovery(plan: str) -> None:
    longest = properties("aurora", "Cluster")["BackupRetentionPeriod"]
    (rule,) = rules(plan)
    (copy,) = rule["CopyActions"]["Fn::If"][1]

    assert rule["EnableContinuousBackup"] is False
    assert rule["Lifecycle"]["DeleteAfterDays"] <= longest
    assert copy["Lifecycle"] == rule["Lifecycle"]


def minutes(clock: str) -> int:
    hours, rest = clock.split(":")
    return int(hours) * 60 + int(rest)


def test_the_database_s_snapshot_starts_clear_of_aurora_s_own_windows() -> None:
    """AWS Backup fails a job in a database's backup or maintenance window or in the hour before."""
    (rule,) = rules("DatabasePlan")
    minute, hour = re.fullmatch(
        r"cron\((\d+) (\d+) \* \* \? \*\)", rule["ScheduleExpression"]
    ).groups()  # type: ignore[union-attr]
    first = int(hour) * 60 + int(minute)
    last = first + rule["StartWindowMinutes"]
    cluster = properties("aurora", "Cluster")
    for window in ("PreferredBackupWindow", "PreferredMaintenanceWindow"):
        begin, end = re.findall(r"\d\d:\d\d", cluster[window])
        assert last <= minutes(begin) - 60 or first >= minutes(end), window
