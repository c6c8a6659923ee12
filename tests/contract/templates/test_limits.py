"""AWS's limits, on the templates as CloudFormation sees them and with the longest suffix."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.contract.templates import deployed, house, policies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.templates.wires import Resource, Tree

# Per template (CloudFormation user guide, "Understand CloudFormation quotas").
PER_TEMPLATE = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
TEMPLATE_BYTES = 1_000_000
DYNAMIC_REFERENCES = 60
PARAMETER_BYTES = 4_096
DESCRIPTION_BYTES = 1_024
# Characters of a policy, without white space where AWS does not count it.
POLICY_SIZE = {
    "AWS::IAM::ManagedPolicy": ("PolicyDocument", 6_144),
    "AWS::IAM::Role": ("AssumeRolePolicyDocument", 2_048),
    "AWS::KMS::Key": ("KeyPolicy", 32_768),
    "AWS::S3::BucketPolicy": ("PolicyDocument", 20_480),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", 30_720),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", 8_192),
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", 20_480),
    "AWS::EFS::FileSystem": ("FileSystemPolicy", 20_000),
    "AWS::Backup::BackupVault": ("AccessPolicy", 10_000),
}
POLICIES_PER_ROLE = 10
DESCRIBED = {
    "AWS::ApiGateway::RestApi": ("Description", 1_024),
    "AWS::CloudWatch::Alarm": ("AlarmDescription", 1_024),
    "AWS::CloudWatch::CompositeAlarm": ("AlarmDescription", 1_024),
    "AWS::EC2::SecurityGroup": ("GroupDescription", 255),
    "AWS::ElastiCache::ReplicationGroup": ("ReplicationGroupDescription", 255),
    "AWS::Events::Rule": ("Description", 512),
    "AWS::IAM::Role": ("Description", 1_000),
    "AWS::KMS::Key": ("Description", 8_192),
    "AWS::Lambda::Function": ("Description", 256),
    "AWS::SSM::Parameter": ("Description", 1_024),
    "AWS::WAFv2::WebACL": ("Description", 256),
}
# What EC2 takes in a description of a group or of a rule.
IN_A_GROUP = re.compile(r"[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}")
SUFFIX = "${EnvironmentSuffix}"


def test_every_template_is_within_cloudformations_limits() -> None:
    for name, stack in house.as_deployed().items():
        for section, most in PER_TEMPLATE.items():
            assert len(stack.body.get(section, {})) <= most, (name, section)
        assert len(json.dumps(stack.body).encode()) <= TEMPLATE_BYTES, name
        assert len(stack.body["Description"].encode()) <= DESCRIPTION_BYTES, name
        assert str(stack.body).count("{{resolve:") <= DYNAMIC_REFERENCES, name


def test_every_value_that_a_stack_hands_on_fits_into_a_parameter() -> None:
    tree = deployed.platform("prod")
    for nested in tree.resources("AWS::CloudFormation::Stack"):
        given = deployed.text(tree, nested.stack, nested.properties["Parameters"])
        for name, value in given.items():
            size = len(",".join(value) if isinstance(value, list) else str(value))
            assert size <= PARAMETER_BYTES, (nested, name)


def documents(tree: Tree) -> Iterator[tuple[Resource, str, int]]:
    for kind, (name, most) in POLICY_SIZE.items():
        for resource in tree.resources(kind):
            if name in resource.properties:
                read = deployed.text(tree, resource.stack, resource.properties[name])
                yield resource, json.dumps(read, separators=(",", ":")), most


def test_every_policy_fits() -> None:
    found = list(documents(deployed.platform()))
    too_long = [(it, len(text), most) for it, text, most in found if len(text) > most]

    assert len(found) > 20
    assert too_long == []


def test_a_role_holds_no_more_policies_than_iam_takes() -> None:
    for role in deployed.platform().resources("AWS::IAM::Role"):
        assert len(role.properties["ManagedPolicyArns"]) <= POLICIES_PER_ROLE, role


def test_every_description_fits_where_it_goes() -> None:
    tree = deployed.platform()
    for kind, (name, most) in DESCRIBED.items():
        for resource in tree.resources(kind):
            said = str(deployed.text(tree, resource.stack, resource.properties.get(name, "")))
            assert len(said) <= most, resource


def test_a_security_groups_words_are_those_that_ec2_takes() -> None:
    tree = deployed.platform()
    said = [
        (group, text)
        for group in tree.resources(
            "AWS::EC2::SecurityGroup",
            "AWS::EC2::SecurityGroupIngress",
            "AWS::EC2::SecurityGroupEgress",
        )
        for path, text in house.walk(group.properties)
        if path and path[-1] in ("Description", "GroupDescription")
    ]

    assert len(said) > 15
    assert [it for it in said if not IN_A_GROUP.fullmatch(str(it[1]))] == []


def test_an_alarm_computes_with_no_more_metrics_than_cloudwatch_takes() -> None:
    for alarm in deployed.platform().resources("AWS::CloudWatch::Alarm"):
        assert len(alarm.properties.get("Metrics", [])) <= 10, alarm
        assert len(alarm.properties.get("Dimensions", [])) <= 30, alarm


def test_a_composite_alarms_rule_is_short_and_names_alarms_that_exist() -> None:
    tree = deployed.platform("prod")
    names = {
        str(deployed.text(tree, it.stack, it.properties["AlarmName"]))
        for it in tree.resources("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    }
    for composite in tree.resources("AWS::CloudWatch::CompositeAlarm"):
        rule = str(deployed.text(tree, composite.stack, composite.properties["AlarmRule"]))
        named = re.findall(r"(?:ALARM|OK|INSUFFICIENT_DATA)\(\"?([^\")]+)\"?\)", rule)

        assert len(rule) <= 10_240, composite
        assert 1 <= len(set(named)) <= 100, composite
        assert {it.rpartition(":")[2] for it in named} - names == set(), composite


def test_an_event_pattern_fits() -> None:
    tree = deployed.platform()
    for rule in tree.resources("AWS::Events::Rule"):
        read = deployed.text(tree, rule.stack, rule.properties.get("EventPattern", {}))
        assert len(json.dumps(read)) <= 4_096, rule
        assert len(tree.decided(rule.stack, rule.properties["Targets"])) <= 5, rule


def test_a_dashboard_is_json_and_no_larger_than_cloudwatch_takes() -> None:
    tree = deployed.platform("prod")
    boards = tree.resources("AWS::CloudWatch::Dashboard")

    assert boards
    for board in boards:
        body = json.loads(deployed.text(tree, board.stack, board.properties["DashboardBody"]))
        metrics = [len(it["properties"].get("metrics", [])) for it in body["widgets"]]
        assert len(body["widgets"]) <= 500
        assert max(metrics) <= 500
        assert sum(metrics) <= 2_500


def test_a_functions_environment_fits() -> None:
    tree = deployed.platform()
    for function in tree.resources("AWS::Lambda::Function"):
        variables = function.properties.get("Environment", {}).get("Variables", {})
        read = deployed.text(tree, function.stack, variables)
        assert len(json.dumps(read)) <= 4_096, function


def test_no_password_is_resolved_where_cloudformation_forbids_it() -> None:
    """Custom resources, metadata and user data refuse secure values."""
    for name, stack in house.as_deployed().items():
        for logical_id, resource in stack.resources().items():
            assert "{{resolve:" not in str(resource.get("Metadata", "")), (name, logical_id)
            if resource["Type"].startswith("Custom::"):
                assert "{{resolve:" not in str(resource), (name, logical_id)
        assert "{{resolve:" not in str(stack.outputs), name


def test_a_secret_is_read_without_version_so_that_a_rotation_is_never_undone() -> None:
    references = [
        found
        for stack in house.as_deployed().values()
        for found in re.findall(r"\{\{resolve:secretsmanager:(.+?)\}\}", str(stack.body))
    ]

    assert references
    for reference in references:
        assert re.fullmatch(r"\$\{\w+SecretArn\}:SecretString:\w+", reference), reference


def test_statements_of_one_policy_have_names_of_their_own() -> None:
    tree = deployed.platform()
    for kind, (name, _) in POLICY_SIZE.items():
        for resource in tree.resources(kind):
            document = resource.properties.get(name)
            if document is None:
                continue
            sids = [it["Sid"] for it in policies.statements(document) if "Sid" in it]
            assert len(sids) == len(set(sids)), resource
            assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids), resource
