"""A stack makes plans for what it selects, and a vault keeps the policy that the template gives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

ROLE = "arn:aws:iam::000000000000:role/backup"
CLUSTER = "arn:aws:rds:eu-central-1:000000000000:cluster"
OUTPUTS = {
    "Plan": {"Value": {"Ref": "Plan"}},
    "Selection": {"Value": {"Fn::GetAtt": ["Selection", "SelectionId"]}},
}


def policy(action: str) -> dict[str, Any]:
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def resources(cluster: str, **vault: Any) -> dict[str, Any]:
    rule = {"RuleName": "daily", "TargetBackupVault": {"Ref": "Vault"}, "StartWindowMinutes": "60"}
    plan = {"BackupPlanName": "contract", "BackupPlanRule": [rule]}
    selection = {
        "SelectionName": "contract",
        "IamRoleArn": ROLE,
        "Resources": [f"{CLUSTER}:{cluster}"],
    }
    properties = {
        "Vault": ("BackupVault", {"BackupVaultName": "contract"} | vault),
        "Plan": ("BackupPlan", {"BackupPlan": plan}),
        "Selection": (
            "BackupSelection",
            {"BackupPlanId": {"Ref": "Plan"}, "BackupSelection": selection},
        ),
    }
    return {
        name: {"Type": f"AWS::Backup::{kind}", "Properties": each}
        for name, (kind, each) in properties.items()
    }


def test_a_selection_and_a_vault_s_policy_live_and_die_with_their_stack(cloud: Cloud) -> None:
    backup = cloud.client("backup")

    def deploy(*arguments: str, **vault: Any) -> dict[str, str]:
        stack = cloud.deploy("types-backup", resources(*arguments, **vault), Outputs=OUTPUTS)
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def selected(plan: str) -> dict[str, list[str]]:
        found = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
        return {
            each["SelectionId"]: backup.get_backup_selection(
                BackupPlanId=plan, SelectionId=each["SelectionId"]
            )["BackupSelection"]["Resources"]
            for each in found
        }

    def told() -> dict[str, Any]:
        answer = backup.get_backup_vault_access_policy(BackupVaultName="contract")
        return dict(json.loads(answer["Policy"]))

    made = deploy("one", AccessPolicy=policy("backup:DeleteRecoveryPoint"))
    assert selected(made["Plan"]) == {made["Selection"]: [f"{CLUSTER}:one"]}
    assert told() == policy("backup:DeleteRecoveryPoint")

    assert deploy("one", AccessPolicy=policy("backup:StartRestoreJob")) == made
    assert told() == policy("backup:StartRestoreJob")

    replaced = deploy("two")
    assert replaced["Plan"] == made["Plan"]
    assert selected(made["Plan"]) == {replaced["Selection"]: [f"{CLUSTER}:two"]}
    with pytest.raises(backup.exceptions.ResourceNotFoundException):
        told()

    cloud.delete("types-backup")
    assert backup.list_backup_plans()["BackupPlansList"] == []
    assert backup.list_backup_vaults()["BackupVaultList"] == []
