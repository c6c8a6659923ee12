"""The weekly restore of the files: which copy, under which key, by whom, and who hears of it."""

from __future__ import annotations

import fnmatch

from tests.contract.templates import deployed, grants, house, policies

PLAN, SELECTION = "AWS::Backup::RestoreTestingPlan", "AWS::Backup::RestoreTestingSelection"


def test_each_week_the_newest_copy_in_our_vault_is_restored() -> None:
    tree = deployed.platform("prod")
    (plan,), (vault,) = tree.resources(PLAN), tree.resources("AWS::Backup::BackupVault")
    point = deployed.text(tree, plan.stack, plan.properties["RecoveryPointSelection"])
    lives = [
        rule["Lifecycle"]["DeleteAfterDays"]
        for it in tree.resources("AWS::Backup::BackupPlan")
        if it.logical_id == "FilesPlan"
        for rule in it.properties["BackupPlan"]["BackupPlanRule"]
    ]

    assert plan.properties["ScheduleExpression"] == "cron(0 6 ? * SUN *)"
    assert point["Algorithm"] == "LATEST_WITHIN_WINDOW"
    assert point["IncludeVaults"] == [deployed.arn(tree, vault)]
    assert lives == [point["SelectionWindowDays"]]


def test_what_is_restored_is_encrypted_with_our_key_and_gone_after_an_hour() -> None:
    tree = deployed.platform("prod")
    (selection,) = tree.resources(SELECTION)
    (key,) = tree.made(
        selection.stack, selection.properties["RestoreMetadataOverrides"]["kmsKeyId"]
    )
    (files,) = tree.made(selection.stack, selection.properties["ProtectedResourceArns"][0])

    assert (key.logical_id, files.kind) == ("DataKey", "AWS::EFS::FileSystem")
    assert tree.made(files.stack, files.properties["KmsKeyId"]) == [key]
    assert selection.properties["ProtectedResourceType"] == "EFS"
    assert selection.properties["ValidationWindowHours"] == 1


def test_a_restore_deletes_what_it_restored_and_never_the_files_in_use() -> None:
    tree = deployed.platform("prod")
    (selection,) = tree.resources(SELECTION)
    (role,) = tree.made(selection.stack, selection.properties["IamRoleArn"])
    files = f"arn:aws:elasticfilesystem:{house.REGION}:{deployed.ACCOUNT}:file-system/fs-1"
    tag = {"aws:ResourceTag/awsbackup-restore-test": "job"}

    for context, expected in ((tag, True), ({}, False)):
        asked = policies.Request(
            grants.arn(tree, role), "elasticfilesystem:DeleteFileSystem", files, context
        )
        assert grants.allowed(tree, role, asked) is expected


def test_a_restore_that_fails_becomes_a_ticket() -> None:
    tree = deployed.platform("prod")
    (selection,) = tree.resources(SELECTION)
    (role,) = tree.made(selection.stack, selection.properties["IamRoleArn"])
    rule = tree.resource("Backup", "BackupFailedRule")
    pattern = deployed.text(tree, rule.stack, rule.properties["EventPattern"])

    assert "Restore Job State Change" in pattern["detail-type"]
    (who,) = pattern["detail"]["iamRoleArn"]
    assert fnmatch.fnmatch(grants.arn(tree, role), who["wildcard"])
