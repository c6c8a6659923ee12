"""Keys of all stacks together: whatever uses a key is let in, and nobody else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.contract.templates import deployed, grants, keyrings, messages, policies

if TYPE_CHECKING:
    from tests.contract.templates.wires import Resource, Tree

KEYS = {"DataKey", "StreamKey", "MessagingKey", "LogsKey", "BackupKey", "PrivacyKey", "SigningKey"}
# What a role must be able to ask the key of a resource for, to do this with the resource.
TAKES = {
    "dynamodb:DeleteItem": ("dynamodb", ["kms:Decrypt"]),
    "dynamodb:GetItem": ("dynamodb", ["kms:Decrypt"]),
    "dynamodb:PutItem": ("dynamodb", ["kms:Decrypt"]),
    "dynamodb:UpdateItem": ("dynamodb", ["kms:Decrypt"]),
    "kinesis:GetRecords": ("kinesis", ["kms:Decrypt"]),
    "kinesis:PutRecord": ("kinesis", ["kms:GenerateDataKey"]),
    "kinesis:PutRecords": ("kinesis", ["kms:GenerateDataKey"]),
    "sns:Publish": ("sns", ["kms:Decrypt", "kms:GenerateDataKey"]),
    "sqs:ReceiveMessage": ("sqs", ["kms:Decrypt"]),
    "sqs:SendMessage": ("sqs", ["kms:Decrypt", "kms:GenerateDataKey"]),
}


def policy(tree: Tree, key: Resource) -> dict[str, object]:
    return dict(deployed.text(tree, key.stack, key.properties["KeyPolicy"]))


def test_there_is_one_key_per_domain() -> None:
    tree = deployed.platform()

    assert {it.logical_id for it in tree.resources(keyrings.KEY)} == KEYS


def test_every_service_that_uses_a_key_is_let_in() -> None:
    tree = deployed.platform()
    shut_out = []
    for key, encrypted in keyrings.users(tree).items():
        document = policy(tree, key)
        for resource in encrypted:
            asked = list(keyrings.requests(tree, resource))
            assert asked, f"{resource}: who uses {key} for a {resource.kind}, and how?"
            shut_out += [
                (key, resource, it.principal, it.action)
                for it in asked
                if not policies.admits(document, it)
            ]

    assert shut_out == []


def needed(tree: Tree, key: Resource) -> set[str]:
    """The services that must stand in a key's policy for what it encrypts, and no other."""
    used = keyrings.users(tree)[key]
    kinds = {it.kind for it in used}
    found = {f"{keyrings.BY_ITSELF[it][0]}.amazonaws.com" for it in kinds & set(keyrings.BY_ITSELF)}
    for table in (keyrings.THROUGH, keyrings.ALSO_THROUGH):
        found |= {table[it][0] for it in kinds & set(table)}
    return found | {it.service for it in messages.messages(tree) if it.target in used}


def test_no_service_is_let_in_that_uses_nothing_of_a_key() -> None:
    tree = deployed.platform()
    for key in tree.resources(keyrings.KEY):
        document = policy(tree, key)
        found = policies.services(document) | keyrings.via(document)

        assert found == needed(tree, key), key


def test_a_service_is_let_in_for_this_account_or_these_resources_only() -> None:
    tree = deployed.platform()
    for key in tree.resources(keyrings.KEY):
        for statement in policy(tree, key)["Statement"]:  # type: ignore[attr-defined]
            harmless = set(policies.many(statement["Action"])) == {"kms:DescribeKey"}
            if "Service" in statement["Principal"] and not harmless:
                narrowed = str(statement["Condition"])
                assert deployed.ACCOUNT in narrowed, (key, statement["Sid"])


def test_administration_is_the_accounts_and_is_not_use() -> None:
    tree = deployed.platform()
    somebody = keyrings.DEPLOYER
    for key in tree.resources(keyrings.KEY):
        document = policy(tree, key)
        for action in ("PutKeyPolicy", "ScheduleKeyDeletion", "CancelKeyDeletion", "TagResource"):
            assert policies.admits(document, policies.Request(somebody, f"kms:{action}")), key
        for action in ("Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "CreateGrant"):
            assert not policies.admits(document, policies.Request(somebody, f"kms:{action}")), key


def test_nobody_outside_the_account_is_let_in() -> None:
    tree = deployed.platform()
    stranger = keyrings.DEPLOYER.replace(deployed.ACCOUNT, "999999999999")
    for key in tree.resources(keyrings.KEY):
        for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:PutKeyPolicy"):
            for service in ("rds", "sqs", "kinesis"):
                asked = keyrings.through(service, action, stranger)
                assert not policies.admits(policy(tree, key), asked), key


def test_what_a_role_is_granted_on_a_key_the_key_grants_the_role() -> None:
    tree = deployed.platform()
    refused = []
    for grant in grants.grants(tree):
        for key in grant.resources(tree):
            if key.kind != keyrings.KEY:
                continue
            condition = grant.statement.get("Condition", {})
            told = str(deployed.text(tree, grant.policy.stack, condition))
            services = re.findall(r"'([a-z]+)\.eu-central-1\.amazonaws\.com'", told)
            who = grants.arn(tree, grant.role)
            asked = [
                keyrings.through(it, action, who)
                for it in services or [keyrings.KMS_ITSELF]
                for action in grant.actions
            ]
            refused += [
                (grant, key, it.action)
                for it in asked
                if not policies.admits(policy(tree, key), it)
            ]

    assert refused == []


def test_who_may_use_what_is_encrypted_may_use_its_key() -> None:
    tree = deployed.platform()
    holder = {it: key for key, used in keyrings.users(tree).items() for it in used}
    lacking = []
    for grant in grants.grants(tree):
        for action in set(grant.actions) & TAKES.keys():
            for resource in grant.resources(tree):
                key = holder[resource]
                service, takes = TAKES[action]
                who = grants.arn(tree, grant.role)
                lacking += [
                    (str(grant), action, it)
                    for it in takes
                    if not grants.allowed(tree, grant.role, _on(tree, key, service, it, who))
                ]

    assert lacking == []


def _on(tree: Tree, key: Resource, service: str, action: str, who: str) -> policies.Request:
    asked = keyrings.through(service, action, who)
    return policies.Request(asked.principal, action, deployed.arn(tree, key), asked.context)


def test_only_the_room_that_counts_may_read_what_people_watch() -> None:
    tree = deployed.platform()
    stream = policy(tree, tree.resource("Keys", "StreamKey"))
    roles = {it: grants.arn(tree, it) for it in tree.resources(grants.ROLE)}
    readers = {
        it.stack
        for it, who in roles.items()
        if policies.admits(stream, keyrings.through("kinesis", "kms:Decrypt", who))
    }

    assert readers == {"Analytics", "AnalyticsReplay"}


def test_every_key_turns_and_can_be_brought_back_for_a_month() -> None:
    for key in deployed.platform().resources(keyrings.KEY):
        # KMS cannot turn a pair: who has the public half would not know the next one.
        pair = key.properties.get("KeyUsage") == "SIGN_VERIFY"
        assert key.properties.get("EnableKeyRotation", False) is not pair
        assert key.properties["PendingWindowInDays"] == 30


def test_no_key_names_a_role_because_keys_come_before_roles() -> None:
    """KMS: "Policy contains a statement with one or more invalid principals"."""
    account = f"arn:aws:iam::{deployed.ACCOUNT}:root"
    tree = deployed.platform()
    for key in tree.resources(keyrings.KEY):
        for statement in policies.statements(policy(tree, key)):
            assert statement["Principal"].get("AWS", account) == account, (key, statement["Sid"])
