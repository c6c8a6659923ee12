"""Which keys encrypt what, and how each service asks for them.

Contexts are what AWS documents that the service sends; a condition on anything else never holds.
- store services act for a principal of the account: `kms:ViaService`, `kms:CallerAccount`
  (KMS developer guide, "kms:ViaService"); a store keeps its key by a grant for an AWS resource
- CloudWatch Logs: `kms:EncryptionContext:aws:logs:arn` (Logs user guide, "Encrypt log data")
- alarms: `aws:SourceAccount`, `aws:SourceArn` (CloudWatch user guide, "alarm actions", SNS
  troubleshooting); EventBridge sends neither when it encrypts for a target: only the encryption
  context (EventBridge user guide, "Amazon SQS / SNS permissions")
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.contract.templates import deployed, house
from tests.contract.templates.policies import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.templates.wires import Resource, Tree

REGION = house.REGION
ACCOUNT = deployed.ACCOUNT
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/deployer"
KEY = "AWS::KMS::Key"
# These name a key without encrypting anything with it.
NAME_IT = {
    "AWS::CloudFormation::Stack": "hands it on",
    "AWS::Events::Rule": "watches it",
    "AWS::IAM::ManagedPolicy": "grants its use",
    "AWS::KMS::Alias": "calls it something",
    "AWS::CloudWatch::Dashboard": "shows it",
    "AWS::Lambda::Function": "asks KMS itself, by this name",
}
KMS_ITSELF = ""  # no service in between
AT_REST = ("kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant")
ON_THE_WAY = ("kms:Decrypt", "kms:GenerateDataKey")
# Through which service each type of store uses its key, and for what.
THROUGH = {
    "AWS::Backup::BackupVault": ("backup", (*ON_THE_WAY, "kms:CreateGrant")),
    "AWS::Backup::RestoreTestingSelection": ("elasticfilesystem", AT_REST),
    "AWS::DynamoDB::Table": ("dynamodb", (*ON_THE_WAY, "kms:Encrypt", "kms:CreateGrant")),
    "AWS::EFS::FileSystem": ("elasticfilesystem", (*AT_REST, "kms:Encrypt")),
    "AWS::ElastiCache::ReplicationGroup": ("elasticache", (*AT_REST, "kms:Encrypt")),
    "AWS::Events::EventBus": ("events", ON_THE_WAY),
    "AWS::Kinesis::Stream": ("kinesis", ("kms:GenerateDataKey",)),
    "AWS::RDS::DBCluster": ("rds", (*AT_REST, "kms:Encrypt", "kms:GenerateDataKey")),
    "AWS::SNS::Topic": ("sns", ON_THE_WAY),
    "AWS::SQS::Queue": ("sqs", ON_THE_WAY),
}
# Snapshots that AWS Backup copies into a vault are encrypted anew by the store's own service.
ALSO_THROUGH = {"AWS::Backup::BackupVault": ("rds", ON_THE_WAY)}
# Services that use the key in their own name.
BY_ITSELF = {
    "AWS::Events::Archive": ("events", "aws:events:event-bus:arn"),
    "AWS::Events::EventBus": ("events", "aws:events:event-bus:arn"),
    "AWS::Logs::LogGroup": (f"logs.{REGION}", "aws:logs:arn"),
}


def users(tree: Tree) -> dict[Resource, list[Resource]]:
    """What each key encrypts."""
    found: dict[Resource, list[Resource]] = {it: [] for it in tree.resources(KEY)}
    for resource in tree.resources():
        for path, value in house.walk(resource.properties):
            if resource.kind in NAME_IT or not isinstance(value, dict) or not path:
                continue
            for key in found.keys() & set(tree.made(resource.stack, value)):
                if resource not in found[key]:
                    found[key].append(resource)
    return found


def through(service: str, action: str, who: str = DEPLOYER) -> Request:
    context = {"kms:CallerAccount": ACCOUNT, "aws:PrincipalArn": who}
    if service != KMS_ITSELF:
        context["kms:ViaService"] = f"{service}.{REGION}.amazonaws.com"
    if action == "kms:CreateGrant":
        context["kms:GrantIsForAWSResource"] = "true"
    return Request(who, action, context=context)


def by_itself(tree: Tree, resource: Resource) -> Iterator[Request]:
    service, key = BY_ITSELF[resource.kind]
    source = resource
    if resource.kind == "AWS::Events::Archive":
        (source,) = tree.made(resource.stack, resource.properties["SourceArn"])
    context = {f"kms:EncryptionContext:{key}": deployed.arn(tree, source)}
    for action in ON_THE_WAY:
        yield Request(f"service:{service}.amazonaws.com", action, context=context)


def requests(tree: Tree, resource: Resource) -> Iterator[Request]:
    """Everything that a resource's services will ask its key for."""
    for table in (THROUGH, ALSO_THROUGH):
        if resource.kind in table:
            service, actions = table[resource.kind]
            yield from (through(service, action) for action in actions)
    if resource.kind in BY_ITSELF:
        yield from by_itself(tree, resource)


def via(document: dict[str, object]) -> set[str]:
    """The services that a key policy names after `kms:ViaService`."""
    return set(re.findall(rf"'([a-z]+)\.{REGION}\.amazonaws\.com'", str(document))) - {"logs"}
