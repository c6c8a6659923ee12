"""Everything that keeps data: encrypted with our keys, classified, tagged."""

from __future__ import annotations

import re

import pytest

from tests.contract.templates import house

# Where a store names its key. A type that keeps data and is missing here fails a test below.
KEY_OF = {
    "AWS::DynamoDB::Table": ["SSESpecification.KMSMasterKeyId"],
    "AWS::ElastiCache::ReplicationGroup": ["KmsKeyId"],
    "AWS::Events::Archive": ["KmsKeyIdentifier"],
    "AWS::Events::EventBus": ["KmsKeyIdentifier"],
    "AWS::Kinesis::Stream": ["StreamEncryption.KeyId"],
    "AWS::Logs::LogGroup": ["KmsKeyId"],
    "AWS::RDS::DBCluster": ["KmsKeyId", "PerformanceInsightsKmsKeyId"],
    "AWS::SNS::Topic": ["KmsMasterKeyId"],
    "AWS::SQS::Queue": ["KmsMasterKeyId"],
}
KEEPS_NOTHING = {
    "AWS::Lambda::EventSourceMapping": "the key is for filter criteria; there are none",
    "AWS::Lambda::Function": "the environment holds names; Lambda encrypts it with its own key",
    "AWS::RDS::DBInstance": "a member keeps its cluster's volume",
}
DATA_CLASSES = {"personal", "pseudonymous", "operational", "public"}
STACK_TAGS = {"Project", "Environment", "Owner", "CostCenter"}

STORES = [
    (stack, logical_id) for stack in house.everything() for logical_id in stack.resources(*KEY_OF)
]
every_store = pytest.mark.parametrize(
    ("stack", "logical_id"), STORES, ids=[f"{stack.name}-{name}" for stack, name in STORES]
)


def of(stack: house.Stack, logical_id: str) -> house.Body:
    return dict(stack.resources()[logical_id]["Properties"])


def tags(resource: house.Body) -> dict[str, object]:
    given = resource.get("Properties", {}).get("Tags", {})
    return given if isinstance(given, dict) else {tag["Key"]: tag["Value"] for tag in given}


@every_store
def test_a_store_is_encrypted_with_a_key_of_ours(stack: house.Stack, logical_id: str) -> None:
    kind = stack.resources()[logical_id]["Type"]
    for path in KEY_OF[kind]:
        key = house.at(of(stack, logical_id), path)
        assert isinstance(key, dict), path
        assert list(key) == ["Ref"], path
        (name,) = key.values()
        assert given_by_root(stack, name) == {"Fn::GetAtt": ["Keys", f"Outputs.{name}"]}


def given_by_root(stack: house.Stack, parameter: str) -> object:
    for child, other in house.children().items():
        if other.name == stack.name:
            return house.root().resources()[child]["Properties"]["Parameters"][parameter]
    raise AssertionError(stack.name)


def test_no_kind_of_store_is_overlooked() -> None:
    able = {
        resource["Type"]
        for stack in house.as_deployed().values()
        for resource in stack.resources().values()
        if not resource["Type"].startswith(("Custom::", "AWS::KMS::"))
        and any(re.search("(?i)kms", name) for name in house.schema(resource["Type"])["properties"])
    }

    assert able - set(KEY_OF) - set(KEEPS_NOTHING) == set()


def test_what_is_stored_by_default_in_the_clear_is_switched_to_encrypted() -> None:
    aurora, cache = house.children()["Aurora"], house.children()["Cache"]

    assert of(aurora, "Cluster")["StorageEncrypted"] is True
    assert of(cache, "ReplicationGroup")["AtRestEncryptionEnabled"] is True
    assert of(cache, "ReplicationGroup")["TransitEncryptionEnabled"] is True
    assert of(cache, "ReplicationGroup")["TransitEncryptionMode"] == "required"
    assert of(aurora, "ClusterParameters")["Parameters"]["rds.force_ssl"] == "1"


def test_every_key_turns_and_can_be_brought_back_for_a_month() -> None:
    keys = house.children()["Keys"].resources("AWS::KMS::Key").values()

    assert len(keys) == 4
    for key in keys:
        assert key["Properties"]["EnableKeyRotation"] is True
        assert key["Properties"]["PendingWindowInDays"] == 30


def test_no_key_is_given_to_everybody() -> None:
    for logical_id, key in house.children()["Keys"].resources("AWS::KMS::Key").items():
        for statement in key["Properties"]["KeyPolicy"]["Statement"]:
            assert statement["Principal"] != "*", logical_id
            assert statement["Principal"] != {"AWS": "*"}, logical_id
            uses = any(
                action.startswith(("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:*"))
                for action in _list(statement["Action"])
            )
            assert not uses or statement.get("Condition"), (logical_id, statement["Sid"])


def _list(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def test_only_analytics_may_read_what_people_watch() -> None:
    stream = house.children()["Keys"].resources()["StreamKey"]["Properties"]["KeyPolicy"]
    readers = [
        statement["Condition"]["ArnLike"]["aws:PrincipalArn"]
        for statement in stream["Statement"]
        if "kms:Decrypt" in _list(statement["Action"])
    ]

    assert len(readers) == 1
    assert "role/streamflix-analytics-*-" in readers[0]["Fn::Sub"]


def test_every_resource_that_can_be_tagged_says_what_it_holds_and_how_long() -> None:
    untagged = []
    for stack in house.as_deployed().values():
        for logical_id, resource in stack.resources().items():
            kind = resource["Type"]
            if kind.startswith("Custom::") or "Tags" not in house.schema(kind)["properties"]:
                continue
            found = tags(resource)
            if kind == "AWS::CloudFormation::Stack":
                complete = found.keys() >= STACK_TAGS
            else:
                complete = found.get("DataClass") in DATA_CLASSES and bool(found.get("Retention"))
            if not complete:
                untagged.append((stack.name, logical_id, kind))

    assert untagged == []


def test_every_stack_hands_the_same_four_tags_to_what_it_holds() -> None:
    for child in house.children():
        assert tags(house.root().resources()[child]) == {
            "Project": "streamflix",
            "Environment": {"Ref": "EnvironmentSuffix"},
            "Owner": {"Ref": "Owner"},
            "CostCenter": {"Ref": "CostCenter"},
        }


def test_log_groups_end_and_stand_before_who_writes_to_them() -> None:
    groups = [
        (stack, logical_id, group["Properties"])
        for stack in house.everything()
        for logical_id, group in stack.resources("AWS::Logs::LogGroup").items()
    ]

    assert len(groups) == 4
    for _, _, group in groups:
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    for stack, logical_id, function in house.functions():
        group = function["LoggingConfig"]["LogGroup"]["Ref"]
        name = stack.resources()[group]["Properties"]["LogGroupName"]["Fn::Sub"]
        assert name == f"/aws/lambda/{function['FunctionName']['Fn::Sub']}", logical_id
    assert house.children()["Aurora"].resources()["Cluster"]["DependsOn"] == "DatabaseLogGroup"


def test_the_database_log_cannot_quote_a_person() -> None:
    parameters = of(house.children()["Aurora"], "ClusterParameters")["Parameters"]

    assert parameters["log_statement"] == "ddl"
    assert parameters["log_min_error_statement"] == "panic"
    assert parameters["log_error_verbosity"] == "terse"
    assert parameters["log_parameter_max_length"] == "0"
    assert parameters["log_parameter_max_length_on_error"] == "0"


def test_point_in_time_recovery_reaches_back_35_days() -> None:
    assert of(house.children()["Aurora"], "Cluster")["BackupRetentionPeriod"] == 35
