"""Everything that keeps data: encrypted where it lies and on its way, and explained."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.contract.templates import deployed, grants, house, keyrings, policies

if TYPE_CHECKING:
    from tests.contract.templates.wires import Resource, Tree

# Where a store names its key. A type that could and is missing here fails a test below.
KEY_OF = {
    "AWS::Backup::BackupVault": ["EncryptionKeyArn"],
    "AWS::DynamoDB::Table": ["SSESpecification.KMSMasterKeyId"],
    "AWS::EFS::FileSystem": ["KmsKeyId"],
    "AWS::ElastiCache::ReplicationGroup": ["KmsKeyId"],
    "AWS::Events::Archive": ["KmsKeyIdentifier"],
    "AWS::Events::EventBus": ["KmsKeyIdentifier"],
    "AWS::Kinesis::Stream": ["StreamEncryption.KeyId"],
    "AWS::Logs::LogGroup": ["KmsKeyId"],
    "AWS::RDS::DBCluster": ["KmsKeyId", "PerformanceInsightsKmsKeyId"],
    "AWS::SNS::Topic": ["KmsMasterKeyId"],
    "AWS::SQS::Queue": ["KmsMasterKeyId"],
}
OTHERWISE = {
    "AWS::CloudFormation::Stack": "keeps nothing",
    "AWS::ECS::Cluster": "the key is for sessions and lasting storage; no task has them",
    "AWS::KMS::Alias": "is about keys",
    "AWS::KMS::Key": "is one",
    "AWS::Lambda::EventSourceMapping": "the key is for filter criteria; there are none",
    "AWS::Lambda::Function": "the environment holds names; Lambda encrypts it with its own key",
    "AWS::RDS::DBInstance": "a member keeps its cluster's volume",
    "AWS::S3::Bucket": "load balancers deliver their logs to buckets with S3's own keys only",
}
# What loses something when it is replaced or deleted: each says why it is so and what must stay.
EXPLAINED = {
    "AWS::Backup::BackupVault",
    "AWS::DynamoDB::Table",
    "AWS::EFS::FileSystem",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::KMS::Key",
    "AWS::Kinesis::Stream",
    "AWS::RDS::DBCluster",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
}
CONTEXT = "com.aws.cloudformation.Context"


def test_a_store_is_encrypted_with_a_key_of_ours() -> None:
    tree = deployed.platform()
    stores = tree.resources(*KEY_OF)

    assert {it.kind for it in stores} == KEY_OF.keys()
    for store in stores:
        for path in KEY_OF[store.kind]:
            (key,) = tree.made(store.stack, house.at(store.properties, path))
            assert key.kind == keyrings.KEY, (store, path)


def test_no_kind_of_store_is_overlooked() -> None:
    """Whatever AWS's schema lets be encrypted with a key is, or says here why not."""
    able = {
        it.kind
        for it in deployed.platform().resources()
        if not it.kind.startswith("Custom::")
        and re.search("(?i)kms|encryptionkey", str(house.schema(it.kind)["properties"].keys()))
    }

    assert able - KEY_OF.keys() - OTHERWISE.keys() == set()


def only(tree: Tree, kind: str) -> Resource:
    (found,) = tree.resources(kind)
    return found


def test_what_is_stored_by_default_in_the_clear_is_switched_to_encrypted() -> None:
    tree = deployed.platform()
    bucket = only(tree, "AWS::S3::Bucket").properties["BucketEncryption"]

    assert only(tree, "AWS::RDS::DBCluster").properties["StorageEncrypted"] is True
    assert only(tree, "AWS::EFS::FileSystem").properties["Encrypted"] is True
    redis = only(tree, "AWS::ElastiCache::ReplicationGroup").properties
    assert redis["AtRestEncryptionEnabled"] is True
    assert "SSEAlgorithm" in str(bucket)
    for stream in tree.resources("AWS::Kinesis::Stream"):
        assert stream.properties["StreamEncryption"]["EncryptionType"] == "KMS"


def test_databases_and_caches_speak_tls_or_not_at_all() -> None:
    tree = deployed.platform()
    cluster = only(tree, "AWS::RDS::DBClusterParameterGroup").properties["Parameters"]
    redis = only(tree, "AWS::ElastiCache::ReplicationGroup").properties

    assert cluster["rds.force_ssl"] == "1"
    assert only(tree, "AWS::RDS::DBProxy").properties["RequireTLS"] is True
    assert redis["TransitEncryptionEnabled"] is True
    assert redis["TransitEncryptionMode"] == "required"


def test_files_travel_over_tls_and_with_a_role_only() -> None:
    tree = deployed.platform()
    mounts = [
        volume["EFSVolumeConfiguration"]
        for task in tree.resources("AWS::ECS::TaskDefinition")
        for volume in task.properties["Volumes"]
    ]

    assert mounts
    for mount in mounts:
        assert mount["TransitEncryption"] == "ENABLED"
        assert mount["AuthorizationConfig"]["IAM"] == "ENABLED"
        assert "AccessPointId" in mount["AuthorizationConfig"]
        assert "RootDirectory" not in mount  # an access point brings its own


def test_nothing_is_read_from_or_written_to_a_bucket_in_the_clear() -> None:
    tree = deployed.platform()
    buckets = tree.resources("AWS::S3::Bucket")
    guards = {
        bucket: deployed.text(tree, policy.stack, policy.properties["PolicyDocument"])
        for policy in tree.resources("AWS::S3::BucketPolicy")
        for bucket in tree.made(policy.stack, policy.properties["Bucket"])
    }

    assert buckets
    for bucket in buckets:
        arn = deployed.arn(tree, bucket)
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        document = {"Statement": [allow, *guards[bucket]["Statement"]]}
        for action, resource in (("s3:GetObject", f"{arn}/x"), ("s3:ListBucket", arn)):
            for tls in ("true", "false"):
                asked = policies.Request(
                    keyrings.DEPLOYER, action, resource, {"aws:SecureTransport": tls}
                )
                assert policies.admits(document, asked) is (tls == "true"), bucket
        closed = bucket.properties["PublicAccessBlockConfiguration"]
        assert set(closed.values()) == {True}, bucket
        assert len(closed) == 4, bucket


def test_only_the_load_balancer_writes_to_its_log_bucket() -> None:
    tree = deployed.platform()
    for policy in tree.resources("AWS::S3::BucketPolicy"):
        document = deployed.text(tree, policy.stack, policy.properties["PolicyDocument"])
        assert policies.services(document) == {"logdelivery.elasticloadbalancing.amazonaws.com"}
        (allow,) = [it for it in policies.statements(document) if it["Effect"] == "Allow"]
        assert allow["Action"] == "s3:PutObject"
        assert all(f"AWSLogs/{deployed.ACCOUNT}/" in it for it in allow["Resource"])


def context(resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = resource.body.get("Metadata", {}).get(CONTEXT, {})
    return found


def test_whatever_keeps_something_says_why_it_is_so_and_what_must_stay() -> None:
    silent = []
    for resource in deployed.platform().resources(*EXPLAINED):
        said = context(resource)
        complete = len(str(said.get("why", "")).split()) >= 8 and said.get("must")
        silent += [] if complete else [resource]

    assert silent == []


def test_what_is_said_of_a_resource_is_in_awss_format() -> None:
    levels = {"must-never-change", "change-with-constraints", "review-required", "free-to-tune"}
    for resource in deployed.platform().resources():
        said = context(resource)
        assert said.keys() <= {"why", "must", "deps", "mutable", "mutability", "trust"}, resource
        assert all(isinstance(it, str) and len(it.split()) >= 3 for it in said.get("must", []))
        named = said.get("mutability", {})
        assert set(named.values()) <= levels, resource
        known = house.schema(resource.kind)["properties"] if named else {}
        assert named.keys() - known.keys() == set(), resource


def test_every_stateful_kind_is_explained() -> None:
    """CloudFormation keeps a list of types that lose data; logs end by themselves."""
    from cfnlint.rules.resources.UpdateReplacePolicyDeletionPolicyOnStatefulResourceTypes import (  # type: ignore[import-untyped]
        UpdateReplacePolicyDeletionPolicyOnStatefulResourceTypes as Rule,
    )

    stateful = set(Rule().likely_stateful_resource_types)
    members = {"AWS::CloudFormation::Stack", "AWS::Logs::LogGroup", "AWS::RDS::DBInstance"}
    found = {it.kind for it in deployed.platform().resources()} & stateful

    assert found - members - EXPLAINED == set()


def test_a_personal_store_is_read_by_nobody_whose_role_does_not_say_so() -> None:
    """Grants on records of people: the rooms, and for what."""
    tree = deployed.platform()
    personal = set(tree.resources("AWS::Kinesis::Stream", "AWS::EFS::FileSystem"))
    holders = {
        (grant.role.stack, action)
        for grant in grants.grants(tree)
        if personal & set(grant.resources(tree))
        for action in grant.actions
        if "Describe" not in action and "List" not in action
    }

    assert holders == {
        ("Analytics", "kinesis:GetRecords"),
        ("Analytics", "kinesis:GetShardIterator"),
        ("AnalyticsReplay", "kinesis:GetRecords"),
        ("AnalyticsReplay", "kinesis:GetShardIterator"),
        ("Backup", "elasticfilesystem:Backup"),
        ("PrivacyDoor", "elasticfilesystem:ClientMount"),
        ("PrivacyErase", "elasticfilesystem:ClientMount"),
        ("PrivacyErase", "elasticfilesystem:ClientWrite"),
        ("Service", "elasticfilesystem:ClientMount"),
        ("Service", "elasticfilesystem:ClientWrite"),
        ("Service", "kinesis:PutRecord"),
        ("Service", "kinesis:PutRecords"),
    }
