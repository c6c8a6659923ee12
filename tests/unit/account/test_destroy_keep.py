"""What a destruction keeps, it keeps whole; what stays otherwise is found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from account import destroy
from account.destroy import keep, losses
from account.refusal import Refusal
from tests.unit.account.answers import Answers, Refused

if TYPE_CHECKING:
    from pathlib import Path

    from account.destroy.scene import Scene


from tests.unit.account.condemned import KEY, NOW, Databases, cluster, scene


def keeping(answers: Answers) -> Scene:
    Databases(answers, cluster("streamflix-aurora-dev", KmsKeyId=KEY))
    answers["ssm.get_parameter"] = Refused("ParameterNotFound")
    answers["rds.create_db_cluster_snapshot"] = {}
    answers["rds.describe_db_cluster_snapshots"] = lambda **asked: {
        "DBClusterSnapshots": [{"Status": "available"}] if asked else []
    }
    answers["rds.delete_db_cluster_snapshot"] = {}
    answers["kms.describe_key"] = {"KeyMetadata": {"KeyId": "1", "KeyState": "PendingDeletion"}}
    answers["dynamodb.list_backups"] = {"BackupSummaries": []}
    answers["kms.cancel_key_deletion"] = {}
    answers["kms.enable_key"] = {}
    answers["kms.schedule_key_deletion"] = {}
    here = scene(answers.account(), ("AWS::KMS::Key", KEY))
    answers["cloudformation.describe_stacks"] = Refused("ValidationError", "does not exist")
    answers["cloudformation.list_stacks"] = {"StackSummaries": []}
    return here


def test_snapshot_and_key_are_kept_together_and_the_key_is_made_usable(answers: Answers) -> None:
    here = keeping(answers)

    kept = keep.take(here, "")
    keep.save_keys(here, kept)

    assert kept.names() == {kept.snapshot, KEY}
    assert answers.called("kms.cancel_key_deletion") == [{"KeyId": KEY}]
    assert answers.called("kms.enable_key") == [{"KeyId": KEY}]
    assert answers.called("rds.delete_db_cluster_snapshot") == []


def test_after_a_cutover_the_snapshot_is_of_the_cluster_in_service(answers: Answers) -> None:
    here = keeping(answers)
    Databases(
        answers,
        cluster("streamflix-aurora-dev", KmsKeyId=KEY, Endpoint="of.the.deposed", Port=5432),
        cluster("streamflix-aurora-dev-r1", KmsKeyId=KEY, Endpoint="in.service", Port=5432),
    )
    answers["ssm.get_parameter"] = {"Parameter": {"Value": "in.service:5432"}}

    keep.take(here, "")

    (taken,) = answers.called("rds.create_db_cluster_snapshot")
    assert taken["DBClusterIdentifier"] == "streamflix-aurora-dev-r1"


def test_a_ledger_is_kept_with_its_key(answers: Answers) -> None:
    here = keeping(answers)
    other = KEY.replace("key/1", "key/2")
    description = {"SSEDescription": {"KMSMasterKeyArn": other}}
    arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/ledger/backup/1"
    answers["dynamodb.describe_table"] = {"Table": description}
    details = {
        "BackupArn": arn,
        "BackupName": "ledger",
        "BackupStatus": "AVAILABLE",
        "BackupType": "USER",
        "BackupCreationDateTime": NOW,
    }
    answers["dynamodb.create_backup"] = {"BackupDetails": details}
    answers["dynamodb.describe_backup"] = {"BackupDescription": {"BackupDetails": details}}

    kept = keep.take(here, "streamflix-ledger-dev")

    assert (kept.ledger, kept.keys) == (arn, {KEY, other})


def test_without_the_key_nothing_is_kept(answers: Answers) -> None:
    here = keeping(answers)
    answers["kms.enable_key"] = Refused("KMSInvalidStateException")
    kept = keep.take(here, "")

    with pytest.raises(Refusal, match="nothing is kept"):
        keep.save_keys(here, kept)

    assert answers.called("rds.delete_db_cluster_snapshot") == [
        {"DBClusterSnapshotIdentifier": kept.snapshot}
    ]
    assert len(answers.called("kms.schedule_key_deletion")) == 1


def test_without_the_ledger_nothing_is_kept_and_the_living_keys_are_left_alone(
    answers: Answers,
) -> None:
    here = keeping(answers)
    alive = {"StackId": "arn:x", "StackName": "x", "CreationTime": NOW}
    answers["cloudformation.describe_stacks"] = {
        "Stacks": [alive | {"StackStatus": "CREATE_COMPLETE"}]
    }
    answers["dynamodb.describe_table"] = Refused("ResourceNotFoundException")

    with pytest.raises(Exception, match="ResourceNotFoundException"):
        keep.take(here, "streamflix-ledger-dev")

    assert len(answers.called("rds.delete_db_cluster_snapshot")) == 1
    assert answers.called("kms.schedule_key_deletion") == []


def test_there_must_be_a_database_to_keep(answers: Answers) -> None:
    here = keeping(answers)
    Databases(answers, cluster("streamflix-aurora-prod"))

    with pytest.raises(Refusal, match="no database to keep"):
        keep.take(here, "")


def test_a_run_that_was_cut_off_keeps_what_it_had_kept(answers: Answers) -> None:
    here = keeping(answers)
    Databases(answers)  # the cluster is gone already
    name = "streamflix-kept-20261123070652-dev"
    answers["rds.describe_db_cluster_snapshots"] = {
        "DBClusterSnapshots": [
            {"DBClusterSnapshotIdentifier": name, "KmsKeyId": KEY, "StorageEncrypted": True},
            {"DBClusterSnapshotIdentifier": name.replace("dev", "prod"), "KmsKeyId": "theirs"},
        ]
    }

    ledger = "arn:aws:dynamodb:eu-central-1:123456789012:table/streamflix-ledger-dev/backup/1"
    summary = {
        "TableName": "streamflix-ledger-dev",
        "BackupName": "streamflix-ledger-dev-kept-1",
        "BackupArn": ledger,
    }
    answers["dynamodb.list_backups"] = {"BackupSummaries": [summary]}
    answers["dynamodb.describe_backup"] = {
        "BackupDescription": {
            "SourceTableFeatureDetails": {"SSEDescription": {"KMSMasterKeyArn": KEY}}
        }
    }

    kept = keep.take(here, "")
    keep.save_keys(here, kept)

    assert kept.names() == {name, ledger, KEY}
    assert answers.called("kms.enable_key") == [{"KeyId": KEY}]
    assert answers.called("rds.create_db_cluster_snapshot") == []


def test_an_encrypted_database_whose_key_is_not_known_is_not_kept(answers: Answers) -> None:
    here = keeping(answers)
    Databases(answers, cluster("streamflix-aurora-dev", StorageEncrypted=True))

    with pytest.raises(Refusal, match="does not name the key"):
        keep.take(here, "")

    assert answers.called("rds.create_db_cluster_snapshot") == []


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0 B"), (2048, "2 KB"), (3 * 1024**3, "3 GB"), (2**41, "2.0 TB")]
)
def test_sizes_are_for_people(amount: float, text: str) -> None:
    assert losses.size(amount) == text


def test_the_outputs_of_another_environment_stay(tmp_path: Path) -> None:
    file = tmp_path / "flat-outputs.json"
    file.write_text(json.dumps({"EnvironmentSuffix": "local"}))

    destroy._forget(file, "dev")
    assert file.exists()
    destroy._forget(file, "local")
    assert not file.exists()
