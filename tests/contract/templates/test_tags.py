"""Whatever can be tagged says whose it is, what it holds and how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.templates import deployed, house

if TYPE_CHECKING:
    from tests.contract.templates.wires import Body, Resource

DATA_CLASSES = {"personal", "pseudonymous", "operational", "public"}
STACK_TAGS = {"Project", "Environment", "Owner", "CostCenter"}
PERSONAL = {
    "AWS::Backup::BackupVault",
    "AWS::EFS::FileSystem",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Kinesis::Stream",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
}


def place(kind: str) -> str | None:
    """Where AWS's schema of a type wants its tags, None when it takes none."""
    schema = house.schema(kind)
    named = str(schema.get("tagging", {}).get("tagProperty", "")).rpartition("/")[2]
    return next((it for it in (named, "Tags") if it in schema["properties"]), None)


def tags(resource: Resource) -> Body:
    given = resource.properties.get(place(resource.kind) or "", {})
    return given if isinstance(given, dict) else {tag["Key"]: tag["Value"] for tag in given}


def test_every_resource_that_can_be_tagged_says_what_it_holds_and_how_long() -> None:
    untagged = []
    for resource in deployed.platform().resources():
        ours = resource.kind.startswith("Custom::") or resource.kind.endswith("::Stack")
        if ours or place(resource.kind) is None:
            continue
        found = tags(resource)
        if found.get("DataClass") not in DATA_CLASSES or not found.get("Retention"):
            untagged.append((resource, resource.kind))

    assert untagged == []


def test_the_root_hands_four_tags_down_and_nothing_below_changes_them() -> None:
    tree = deployed.platform()
    for nested in tree.resources("AWS::CloudFormation::Stack"):
        given = {key: it for key, it in tags(nested).items() if key in STACK_TAGS}
        if nested.stack == deployed.ROOT:
            assert given == {
                "Project": "streamflix",
                "Environment": {"Ref": "EnvironmentSuffix"},
                "Owner": {"Ref": "Owner"},
                "CostCenter": {"Ref": "CostCenter"},
            }, nested
        else:
            assert given == {}, nested
    for resource in tree.resources():
        if resource.kind != "AWS::CloudFormation::Stack" and place(resource.kind):
            assert not tags(resource).keys() & STACK_TAGS, resource


def test_what_holds_people_says_so() -> None:
    tree = deployed.platform()
    for resource in tree.resources(*PERSONAL):
        assert tags(resource)["DataClass"] == "personal", resource


def test_a_recovery_point_carries_the_tags_of_what_it_is_a_copy_of() -> None:
    rules = [
        rule
        for plan in deployed.platform().resources("AWS::Backup::BackupPlan")
        for rule in plan.properties["BackupPlan"]["BackupPlanRule"]
    ]

    assert rules
    for rule in rules:
        found = rule["RecoveryPointTags"]
        assert found["DataClass"] == "personal", rule["RuleName"]
        days = rule["Lifecycle"]["DeleteAfterDays"]
        assert found["Retention"] == f"{days} days", rule["RuleName"]
