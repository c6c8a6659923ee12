"""The platform as one tree, and its values as they will read in an account."""

from __future__ import annotations

import functools
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

from tests.contract.templates import house
from tests.contract.templates.wires import NOTHING, Tree, variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.templates.wires import Resource

ROOT = "Root"
ACCOUNT = "123456789012"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": house.REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "streamflix",
    "AWS::StackId": f"arn:aws:cloudformation:{house.REGION}:{ACCOUNT}:stack/streamflix/1",
}
ENVIRONMENTS = ("dev", "prod", "local")
# What an owner adds to samconfig's production; it refuses to be deployed without.
ADDED = {
    "prod": {
        "PageEmail": "on-call@example.org",
        "ServiceCertificateArn": f"arn:aws:acm:{house.REGION}:{ACCOUNT}:certificate/{'0' * 36}",
        "ServiceHostName": "service.example.org",
        "ServiceImage": f"{ACCOUNT}.dkr.ecr.{house.REGION}.amazonaws.com/service@sha256:{'0' * 64}",
    }
}

# How a type's ARN is made of its properties; without a name in them, a placeholder of true length.
ARNS = {
    "AWS::ApiGateway::RestApi": "apigateway::/restapis/{}",
    "AWS::Backup::BackupVault": "backup:*:backup-vault:{BackupVaultName}",
    "AWS::CloudWatch::Alarm": "cloudwatch:*:alarm:{AlarmName}",
    "AWS::CloudWatch::CompositeAlarm": "cloudwatch:*:alarm:{AlarmName}",
    "AWS::DynamoDB::Table": "dynamodb:*:table/{TableName}",
    "AWS::ECS::Cluster": "ecs:*:cluster/{ClusterName}",
    "AWS::EFS::AccessPoint": "elasticfilesystem:*:access-point/{}",
    "AWS::EFS::FileSystem": "elasticfilesystem:*:file-system/{}",
    "AWS::Events::Archive": "events:*:archive/{ArchiveName}",
    "AWS::Events::EventBus": "events:*:event-bus/{Name}",
    "AWS::Events::Rule": "events:*:rule/{Name}",
    "AWS::IAM::ManagedPolicy": "iam::*policy/{ManagedPolicyName}",
    "AWS::IAM::Role": "iam::*role/{RoleName}",
    "AWS::KMS::Key": "kms:*:key/{}",
    "AWS::Kinesis::Stream": "kinesis:*:stream/{Name}",
    "AWS::Lambda::Function": "lambda:*:function:{FunctionName}",
    "AWS::Logs::LogGroup": "logs:*:log-group:{LogGroupName}",
    "AWS::RDS::DBCluster": "rds:*:cluster:{DBClusterIdentifier}",
    "AWS::RDS::DBProxy": "rds:*:db-proxy:{}",
    "AWS::S3::Bucket": "s3:::{BucketName}",
    "AWS::SNS::Topic": "sns:*:{TopicName}",
    "AWS::SQS::Queue": "sqs:*:{QueueName}",
    "AWS::StepFunctions::StateMachine": "states:*:stateMachine:{StateMachineName}",
}
REF_IS_ARN = {
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::IAM::ManagedPolicy",
    "AWS::SNS::Topic",
    "AWS::StepFunctions::StateMachine",
}
# The property that `Ref` returns, where it is one.
REF_IS = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::ECS::Cluster": "ClusterName",
    "AWS::ElastiCache::ReplicationGroup": "ReplicationGroupId",
    "AWS::Events::EventBus": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBProxy": "DBProxyName",
    "AWS::S3::Bucket": "BucketName",
}


@functools.cache
def platform(environment: str = "") -> Tree:
    """The platform as CloudFormation sees it: as an environment asks for it, or undecided."""
    made = house.as_deployed()
    bodies = {ROOT: made["template"].body}
    bodies |= {name: made[stack.name].body for name, stack in house.children().items()}
    return Tree(bodies, profile(environment) if environment else None)


def profile(environment: str) -> dict[str, str]:
    """The root's parameters as `sam deploy --config-env` gives them."""
    config = tomllib.loads((house.ROOT / "samconfig.toml").read_text())
    overrides = config[environment]["deploy"]["parameters"]["parameter_overrides"]
    declared = house.root().parameters.items()
    defaults = {name: str(it["Default"]) for name, it in declared if "Default" in it}
    return defaults | dict(it.split("=", 1) for it in overrides) | ADDED.get(environment, {})


def text(tree: Tree, stack: str, node: Any) -> Any:
    """The node with every function replaced by the text that it becomes.

    Undecided conditions take their first branch, where what is optional usually stands.
    """
    stack, node = tree.follow(stack, node)
    if isinstance(node, list):
        return [text(tree, *it) for it in tree.items(stack, node) or []]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((function, argument),) = node.items()
        if function in _TEXTS:
            return _TEXTS[function](tree, stack, argument)
    return {
        key: text(tree, stack, value)
        for key, value in node.items()
        if tree.follow(stack, value)[1] != NOTHING
    }


def _ref(tree: Tree, stack: str, name: str) -> str:
    if name in tree.bodies[stack]["Resources"]:
        resource = tree.resource(stack, name)
        if resource.kind in REF_IS_ARN:
            return arn(tree, resource)
        if resource.kind in REF_IS:
            return _property(tree, resource, REF_IS[resource.kind])
        return f"<{resource}>"
    if name in PSEUDO:
        return PSEUDO[name]
    if name == "EnvironmentSuffix":
        return house.LONGEST_SUFFIX
    if str(house.root().parameters.get(name, {}).get("Type")).startswith("AWS::SSM"):
        return _secret(name)
    return str((tree.given or {}).get(name) or f"<{name}>")


def _secret(name: str) -> str:
    """The ARN that stands in the parameter store: the login, then six letters of AWS's own."""
    login = re.sub(r"(?<!^)(?=[A-Z])", "/", name.removesuffix("SecretArn")).lower()
    path = login if login.startswith("redis/") else f"aurora/{login}"
    return (
        f"arn:aws:secretsmanager:{house.REGION}:{ACCOUNT}:secret:"
        f"streamflix/{house.LONGEST_SUFFIX}/{path}-AbCdEf"
    )


def _attribute(tree: Tree, stack: str, argument: list[str]) -> str:
    resource, attribute = tree.resource(stack, argument[0]), argument[1]
    if attribute.endswith("Arn"):
        return arn(tree, resource) + (":*" if resource.kind == "AWS::Logs::LogGroup" else "")
    if attribute in resource.properties:
        return str(text(tree, resource.stack, resource.properties[attribute]))
    return f"<{resource}.{attribute}>"


def _branch(tree: Tree, stack: str, argument: list[Any]) -> Any:
    _, yes, no = argument
    return text(tree, stack, no if yes == NOTHING else yes)


def _joined(tree: Tree, stack: str, argument: list[Any]) -> str:
    separator, parts = argument
    return str(separator).join(str(it) for it in text(tree, stack, parts))


def _split(tree: Tree, stack: str, argument: list[Any]) -> list[str]:
    separator, whole = argument
    return str(text(tree, stack, whole)).split(separator)


def _selected(tree: Tree, stack: str, argument: list[Any]) -> Any:
    index, whole = argument
    found = text(tree, stack, whole)
    found = found.split(",") if isinstance(found, str) else found
    return found[int(index)] if int(index) < len(found) else f"<{index} of {found}>"


def _property(tree: Tree, resource: Resource, name: str) -> str:
    if name not in resource.properties:
        return f"<{resource}>"
    return str(text(tree, resource.stack, resource.properties[name]))


def _sub(tree: Tree, stack: str, argument: str | list[Any]) -> str:
    written, own = (argument, {}) if isinstance(argument, str) else argument

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        return str(text(tree, stack, own[name] if name in own else variable(name)))

    return re.sub(r"\$\{([^!}]+)\}", value, written).replace("${!", "${")


def _mapped(tree: Tree, stack: str, argument: list[Any]) -> str:
    """The longest value that the mapping may give."""
    origins = tree.origins(stack, {"Fn::FindInMap": argument})
    return max((str(getattr(it, "text", it)) for it in origins), key=len, default="")


_TEXTS: dict[str, Callable[[Tree, str, Any], Any]] = {
    "Fn::Cidr": lambda tree, stack, argument: [f"<block {n}>" for n in range(int(argument[1]))],
    "Fn::FindInMap": _mapped,
    "Fn::GetAZs": lambda tree, stack, argument: [f"{house.REGION}{zone}" for zone in "abc"],
    "Fn::GetAtt": _attribute,
    "Fn::If": _branch,
    "Fn::Join": _joined,
    "Fn::Select": _selected,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": lambda tree, stack, argument: json.dumps(text(tree, stack, argument)),
    "Ref": _ref,
}


def meant(tree: Tree, stack: str, node: Any, *kinds: str) -> list[Resource]:
    """The resources of these types that a value refers to, be it by a wire or by a literal ARN."""
    wired = [it for it in tree.made(stack, node) if it.kind in kinds]
    said = text(tree, stack, node)
    texts = said if isinstance(said, list) else [said]
    return wired or [it for it in tree.resources(*kinds) if arn(tree, it) in texts]


def arn(tree: Tree, resource: Resource) -> str:
    """A resource's ARN; where AWS invents the id, its logical id in 36 letters."""
    form = ARNS.get(resource.kind, f"{resource.kind.split('::')[1].lower()}:*:{{}}")
    form = form.replace("::*", f"::{ACCOUNT}:").replace(":*:", f":{house.REGION}:{ACCOUNT}:")
    name = re.search(r"\{(\w*)\}", form)
    assert name is not None
    own = _property(tree, resource, name[1]) if name[1] else f"{resource!s:-<36}"
    return "arn:aws:" + form.replace(name[0], own)
