"""A plan that tests restores lives with its stack and is told as the template has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

ROLE = "arn:aws:iam::000000000000:role/restore"
FILES = "arn:aws:elasticfilesystem:eu-central-1:000000000000:file-system/fs-0123456789abcdef0"


def resources(hours: str) -> dict[str, Any]:
    point = {
        "Algorithm": "LATEST_WITHIN_WINDOW",
        "IncludeVaults": ["arn:aws:backup:eu-central-1:000000000000:backup-vault:contract"],
        "RecoveryPointTypes": ["SNAPSHOT"],
        "SelectionWindowDays": 7,
    }
    return {
        "Plan": {
            "Type": "AWS::Backup::RestoreTestingPlan",
            "Properties": {
                "RestoreTestingPlanName": "contract",
                "ScheduleExpression": "cron(0 6 ? * SUN *)",
                "StartWindowHours": "4",
                "RecoveryPointSelection": point,
            },
        },
        "Selection": {
            "Type": "AWS::Backup::RestoreTestingSelection",
            "Properties": {
                "RestoreTestingPlanName": {"Ref": "Plan"},
                "RestoreTestingSelectionName": "files",
                "ProtectedResourceType": "EFS",
                "ProtectedResourceArns": [FILES],
                "IamRoleArn": ROLE,
                "ValidationWindowHours": hours,
            },
        },
    }


OUTPUTS = {"Arn": {"Value": {"Fn::GetAtt": "Plan.RestoreTestingPlanArn"}}}


def test_a_plan_and_its_selection_are_told_changed_and_gone_with_their_stack(cloud: Cloud) -> None:
    backup = cloud.client("backup")

    stack = cloud.deploy("restore-testing", resources("4"), Outputs=OUTPUTS)
    assert stack["StackStatus"] == "CREATE_COMPLETE"

    plan = backup.get_restore_testing_plan(RestoreTestingPlanName="contract")["RestoreTestingPlan"]
    assert plan["RestoreTestingPlanArn"] == stack["Outputs"][0]["OutputValue"]
    assert plan["RecoveryPointSelection"]["Algorithm"] == "LATEST_WITHIN_WINDOW"
    assert plan["StartWindowHours"] == 4
    wanted = {"RestoreTestingPlanName": "contract", "RestoreTestingSelectionName": "files"}
    chosen = backup.get_restore_testing_selection(**wanted)["RestoreTestingSelection"]
    assert (chosen["ProtectedResourceArns"], chosen["IamRoleArn"]) == ([FILES], ROLE)
    assert chosen["ValidationWindowHours"] == 4

    cloud.deploy("restore-testing", resources("8"), Outputs=OUTPUTS)
    again = backup.get_restore_testing_plan(RestoreTestingPlanName="contract")["RestoreTestingPlan"]
    assert again["RestoreTestingPlanArn"] == plan["RestoreTestingPlanArn"]
    listed = backup.list_restore_testing_selections(RestoreTestingPlanName="contract")
    assert [each["ValidationWindowHours"] for each in listed["RestoreTestingSelections"]] == [8]

    cloud.delete("restore-testing")
    assert backup.list_restore_testing_plans()["RestoreTestingPlans"] == []
    with pytest.raises(backup.exceptions.ResourceNotFoundException):
        backup.get_restore_testing_selection(**wanted)
