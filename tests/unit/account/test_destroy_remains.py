"""What CloudFormation leaves behind is removed, and what remains is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from account.destroy import leftovers, remains

if TYPE_CHECKING:
    from account import guard
    from tests.unit.account.answers import Answers

from tests.unit.account.condemned import KEY, NOW, ROOT, Databases, cluster, scene


def test_log_groups_of_ours_go_whoever_made_them(dev: guard.Account) -> None:
    logs = dev.client("logs")
    ours = {
        "/aws/lambda/streamflix-schema-migrate-dev",
        "/aws/rds/cluster/streamflix-aurora-dev-r1/postgresql",
        "/aws/ecs/containerinsights/streamflix-service-dev/performance",
        "API-Gateway-Execution-Logs_abc123/live",
    }
    theirs = {
        "/aws/lambda/streamflix-schema-migrate-prod",
        "/aws/lambda/other",
        "API-Gateway-Execution-Logs_zzz/live",
        "RDSOSMetrics",
    }
    for name in ours | theirs:
        logs.create_log_group(logGroupName=name)

    leftovers._log_groups(scene(dev, ("AWS::ApiGateway::RestApi", "abc123")))

    left = {each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]}
    assert left == theirs


def test_the_address_book_goes_and_what_people_gave_to_the_environment_stays(
    dev: guard.Account,
) -> None:
    ssm = dev.client("ssm")
    ours = {"/streamflix/dev/aurora/epoch"}
    theirs = {
        "/streamflix/dev/privacy/callers",
        "/streamflix/dev/secret-arn/aurora/master",
        "/streamflix/dev2/aurora/epoch",
        "/streamflix/prod/aurora/epoch",
    }
    for name in ours | theirs:
        ssm.put_parameter(Name=name, Type="String", Value="1")

    said = leftovers._address_book(scene(dev))

    left = {each["Name"] for each in ssm.describe_parameters()["Parameters"]}
    assert left == theirs
    assert said == "1 page of the address book"
    assert leftovers._address_book(scene(dev)) == ""


def test_snapshots_and_retained_backups_of_ours_go_but_for_the_kept_one(answers: Answers) -> None:
    def snapshot(name: str, of: str, kind: str = "manual") -> dict[str, str]:
        return {
            "DBClusterSnapshotIdentifier": name,
            "DBClusterIdentifier": of,
            "SnapshotType": kind,
        }

    dev, prod = "streamflix-aurora-dev", "streamflix-aurora-prod"
    answers["rds.describe_db_cluster_snapshots"] = {
        "DBClusterSnapshots": [
            snapshot("final", dev),
            snapshot("kept", dev),
            snapshot("auto", dev, "automated"),
            snapshot("theirs", prod),
        ]
    }
    answers["rds.delete_db_cluster_snapshot"] = {}
    answers["rds.describe_db_cluster_automated_backups"] = {
        "DBClusterAutomatedBackups": [
            {"DBClusterIdentifier": dev, "DbClusterResourceId": "cluster-1", "Status": "retained"},
            {"DBClusterIdentifier": prod, "DbClusterResourceId": "cluster-2", "Status": "retained"},
        ]
    }
    answers["rds.delete_db_cluster_automated_backup"] = {}
    here = scene(answers.account())

    leftovers._snapshots(here, {"kept"})
    leftovers._automated_backups(here)

    assert answers.called("rds.delete_db_cluster_snapshot") == [
        {"DBClusterSnapshotIdentifier": "final"}
    ]
    assert answers.called("rds.delete_db_cluster_automated_backup") == [
        {"DbClusterResourceId": "cluster-1"}
    ]


ROLE = "streamflix-dev-Application-1X-Api-2Y-AccountLoggingRole-3Z"


@pytest.mark.parametrize(
    ("arn", "apis", "gone", "shared"),
    [
        (f"arn:aws:iam::1:role/{ROLE}", ["ours"], True, ""),
        (f"arn:aws:iam::1:role/{ROLE}", ["ours", "theirs"], False, ROLE),
        ("arn:aws:iam::1:role/streamflix-prod-Api-2Y-AccountLoggingRole-3Z", ["ours"], False, ""),
        ("", ["ours"], False, ""),
    ],
)
def test_the_accounts_logging_role_goes_with_the_last_api_and_only_when_it_is_ours(
    answers: Answers, arn: str, apis: list[str], gone: bool, shared: str
) -> None:
    answers["apigateway.get_account"] = {"cloudwatchRoleArn": arn} if arn else {}
    answers["apigateway.get_rest_apis"] = {"items": [{"id": each} for each in apis]}
    answers["apigateway.update_account"] = {}
    answers["iam.list_attached_role_policies"] = {
        "AttachedPolicies": [{"PolicyName": "p", "PolicyArn": "arn:aws:iam::aws:policy/push-logs"}]
    }
    answers["iam.detach_role_policy"] = {}
    answers["iam.list_role_policies"] = {"PolicyNames": []}
    answers["iam.delete_role"] = {}
    here = scene(answers.account(), ("AWS::ApiGateway::RestApi", "ours"))

    said = leftovers._api_logging_role(here)

    assert bool(said) is gone
    assert answers.called("iam.delete_role") == ([{"RoleName": ROLE}] if gone else [])
    assert len(answers.called("apigateway.update_account")) == gone
    assert leftovers.shared_role(here) == shared


def test_copies_abroad_go_and_other_peoples_stay(answers: Answers) -> None:
    vault = "arn:aws:backup:eu-west-1:123456789012:backup-vault:copies"
    one = {
        "StackId": ROOT.identity,
        "StackName": "streamflix-dev",
        "CreationTime": NOW,
        "StackStatus": "DELETE_COMPLETE",
        "Parameters": [{"ParameterKey": "BackupCopyVaultArn", "ParameterValue": vault}],
    }
    answers["cloudformation.describe_stacks"] = {"Stacks": [one]}
    sources = {
        "1": "arn:aws:rds:eu-central-1:123456789012:cluster:streamflix-aurora-dev",
        "2": "arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-1",
        "3": "arn:aws:rds:eu-central-1:123456789012:cluster:streamflix-aurora-prod",
    }
    answers["backup.list_recovery_points_by_backup_vault"] = {
        "RecoveryPoints": [
            {"RecoveryPointArn": arn, "ResourceArn": source, "CreationDate": NOW}
            for arn, source in sources.items()
        ]
    }
    answers["backup.delete_recovery_point"] = {}

    leftovers._copied_recovery_points(scene(answers.account(), ("AWS::EFS::FileSystem", "fs-1")))

    deleted = answers.called("backup.delete_recovery_point")
    assert [each["RecoveryPointArn"] for each in deleted] == ["1", "2"]


def test_a_copy_that_is_left_is_found_and_so_is_its_member(
    monkeypatch: pytest.MonkeyPatch, answers: Answers
) -> None:
    of_rds = ("describe_db_clusters", "describe_db_instances")
    monkeypatch.setattr(
        remains, "LISTINGS", [each for each in remains.LISTINGS if each.operation in of_rds]
    )
    Databases(
        answers,
        cluster("streamflix-aurora-dev-q1", "streamflix-aurora-dev-q1-a"),
        cluster("streamflix-aurora-dev-r2", "streamflix-aurora-dev-a"),
        cluster("streamflix-aurora-prod-q1", "streamflix-aurora-prod-q1-a"),
    )
    answers["ssm.describe_parameters"] = {"Parameters": []}
    answers["ec2.describe_vpcs"] = {"Vpcs": []}

    found = {each.partition(": ")[2] for each in remains.by_name(scene(answers.account()), set())}

    assert found == {
        "streamflix-aurora-dev-q1",
        "streamflix-aurora-dev-q1-a",
        "streamflix-aurora-dev-r2",
        "streamflix-aurora-dev-a",
    }


def test_what_remains_is_found_by_name_in_every_service(monkeypatch, answers: Answers) -> None:
    monkeypatch.setattr(
        remains,
        "LISTINGS",
        [each for each in remains.LISTINGS if each.kind in ("streams", "queues", "log groups")],
    )
    answers["kinesis.list_streams"] = {
        "StreamNames": ["streamflix-playback-dev", "streamflix-playback-prod"],
        "HasMoreStreams": False,
    }
    answers["sqs.list_queues"] = {"QueueUrls": ["https://sqs/1/streamflix-ops-dead-letters-dev"]}
    answers["logs.describe_log_groups"] = {"logGroups": []}
    answers["ssm.describe_parameters"] = {
        "Parameters": [
            {"Name": "/streamflix/dev/aurora/writer"},
            {"Name": "/streamflix/dev/secret-arn/app"},
        ]
    }
    answers["ec2.describe_vpcs"] = {"Vpcs": [{"VpcId": "vpc-1"}, {"VpcId": "vpc-2"}]}

    found = list(remains.by_name(scene(answers.account(), ("AWS::EC2::VPC", "vpc-1")), set()))

    assert found == [
        "streams: streamflix-playback-dev",
        "queues: https://sqs/1/streamflix-ops-dead-letters-dev",
        "parameters: /streamflix/dev/aurora/writer",
        "VPCs: vpc-1",
    ]


@pytest.mark.parametrize("listing", remains.LISTINGS, ids=lambda each: each.kind)
def test_every_listing_is_one_that_the_service_has(answers: Answers, listing: Any) -> None:
    client = answers.account().client(listing.service)
    model = client.meta.service_model.operation_model(
        client.meta.method_to_api_mapping[listing.operation]
    )

    members = model.output_shape.members[listing.key].member

    assert (listing.name in members.members) if listing.name else members.type_name == "string"
    assert set(listing.arguments) <= set(model.input_shape.members if model.input_shape else ())


def tagged(answers: Answers, *arns: str) -> list[str]:
    answers["resourcegroupstaggingapi.get_resources"] = {
        "ResourceTagMappingList": [{"ResourceARN": each} for each in arns]
    }
    return remains.by_tag(scene(answers.account()), {"kept-snapshot"}, within=0)


def test_the_tag_index_finds_what_has_no_name(answers: Answers) -> None:
    answers["kms.describe_key"] = lambda **asked: {
        "KeyMetadata": {
            "KeyId": asked["KeyId"],
            "KeyState": "PendingDeletion" if asked["KeyId"] == KEY else "Enabled",
        }
    }
    answers["ec2.describe_nat_gateways"] = {"NatGateways": [{"State": "deleted"}]}
    prefix = "arn:aws:{}:eu-central-1:123456789012:{}".format

    left = tagged(
        answers,
        prefix("ec2", "elastic-ip/eipalloc-1"),
        KEY,  # dies by itself
        prefix("kms", "key/2"),  # does not
        prefix("secretsmanager", "secret:streamflix/dev/aurora/app-AbCdEf"),
        prefix("ssm", "parameter/streamflix/dev/secret-arn/app"),
        prefix("rds", "cluster-snapshot:kept-snapshot"),
        prefix("ec2", "natgateway/nat-1"),  # the index has not forgotten it yet
        prefix("dynamodb", "table/streamflix-hold-dev"),  # DynamoDB was asked by name
        prefix("ssm", "parameter/streamflix/dev/aurora/epoch"),  # and so was Parameter Store
    )

    assert left == [prefix("ec2", "elastic-ip/eipalloc-1"), prefix("kms", "key/2")]
