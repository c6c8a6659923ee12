"""Log groups: made by us, with an end and a key, before whoever writes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.templates import deployed, house

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.contract.templates.wires import Resource, Tree

GROUP = "AWS::Logs::LogGroup"
# Groups that AWS names for the whole account; nothing of ours can own them.
ACCOUNT_WIDE = {"RDSOSMetrics": "enhanced monitoring; AWS keeps it for 30 days"}


def _lambda(tree: Tree, it: Resource) -> Iterator[str]:
    yield named(tree, it, it.properties["LoggingConfig"]["LogGroup"])


def _cluster(tree: Tree, it: Resource) -> Iterator[str]:
    name = deployed.text(tree, it.stack, it.properties["DBClusterIdentifier"])
    for log in it.properties["EnableCloudwatchLogsExports"]:
        yield f"/aws/rds/cluster/{name}/{log}"


def _proxy(tree: Tree, it: Resource) -> Iterator[str]:
    yield f"/aws/rds/proxy/{deployed.text(tree, it.stack, it.properties['DBProxyName'])}"


def _containers(tree: Tree, it: Resource) -> Iterator[str]:
    for container in it.properties["ContainerDefinitions"]:
        logging = container["LogConfiguration"]
        assert logging["LogDriver"] == "awslogs"
        assert "awslogs-create-group" not in logging["Options"]
        yield named(tree, it, logging["Options"]["awslogs-group"])


def _insights(tree: Tree, it: Resource) -> Iterator[str]:
    settings = {s["Name"]: s["Value"] for s in it.properties.get("ClusterSettings", [])}
    if settings.get("containerInsights", "disabled") != "disabled":
        name = deployed.text(tree, it.stack, it.properties["ClusterName"])
        yield f"/aws/ecs/containerinsights/{name}/performance"


def _stage(tree: Tree, it: Resource) -> Iterator[str]:
    yield named(tree, it, it.properties["AccessLogSetting"]["DestinationArn"])
    settings = tree.decided(it.stack, it.properties.get("MethodSettings", []))
    for setting in settings:
        if setting.get("LoggingLevel", "OFF") != "OFF":
            api = deployed.text(tree, it.stack, it.properties["RestApiId"])
            yield f"API-Gateway-Execution-Logs_{api}/{it.properties['StageName']}"


def _firewall(tree: Tree, it: Resource) -> Iterator[str]:
    for group in it.properties["LogDestinationConfigs"]:
        yield named(tree, it, group)


def _flow(tree: Tree, it: Resource) -> Iterator[str]:
    yield named(tree, it, it.properties["LogGroupName"])


def _workflow(tree: Tree, it: Resource) -> Iterator[str]:
    for to in it.properties["LoggingConfiguration"]["Destinations"]:
        yield named(tree, it, to["CloudWatchLogsLogGroup"]["LogGroupArn"])


def _experiment(tree: Tree, it: Resource) -> Iterator[str]:
    settings = it.properties["LogConfiguration"]["CloudWatchLogsConfiguration"]
    yield named(tree, it, settings["LogGroupArn"])


WRITERS: dict[str, Callable[[Tree, Resource], Iterator[str]]] = {
    "AWS::ApiGateway::Stage": _stage,
    "AWS::EC2::FlowLog": _flow,
    "AWS::ECS::Cluster": _insights,
    "AWS::ECS::TaskDefinition": _containers,
    "AWS::FIS::ExperimentTemplate": _experiment,
    "AWS::Lambda::Function": _lambda,
    "AWS::RDS::DBCluster": _cluster,
    "AWS::RDS::DBProxy": _proxy,
    "AWS::StepFunctions::StateMachine": _workflow,
    "AWS::WAFv2::LoggingConfiguration": _firewall,
}


def named(tree: Tree, writer: Resource, node: object) -> str:
    """The name of the group that a writer names by reference, ARN or text."""
    for group in tree.made(writer.stack, node):
        if group.kind == GROUP:
            return str(deployed.text(tree, group.stack, group.properties["LogGroupName"]))
    name = str(deployed.text(tree, writer.stack, node))
    return name.rpartition(":log-group:")[2].removesuffix(":*")


def groups(tree: Tree) -> dict[str, Resource]:
    return {
        str(deployed.text(tree, it.stack, it.properties["LogGroupName"])): it
        for it in tree.resources(GROUP)
    }


def written(tree: Tree) -> list[tuple[Resource, str]]:
    return [
        (writer, name)
        for kind, names in WRITERS.items()
        for writer in tree.resources(kind)
        for name in names(tree, writer)
    ]


def test_every_log_has_a_group_of_ours_before_its_writer() -> None:
    for environment in deployed.ENVIRONMENTS:
        tree = deployed.platform(environment)
        ours = groups(tree)
        missing = [(writer, name) for writer, name in written(tree) if name not in ours]
        late = [
            (writer, name)
            for writer, name in written(tree)
            if name in ours and not tree.before(ours[name], writer)
        ]

        assert missing == [], environment
        assert late == [], environment


def test_every_group_has_a_writer() -> None:
    tree = deployed.platform("prod")

    assert groups(tree).keys() - {name for _, name in written(tree)} == set()


def test_every_kind_of_writer_that_there_is_was_looked_at() -> None:
    tree = deployed.platform("prod")
    kinds = {it.kind for it in tree.resources()}

    assert kinds & WRITERS.keys() == {writer.kind for writer, _ in written(tree)}
    for other in ("AWS::ElastiCache::ReplicationGroup", "AWS::ApiGatewayV2::Stage"):
        for it in tree.resources(other):
            assert "LogDeliveryConfigurations" not in it.properties, it


def test_every_log_ends_and_is_encrypted_and_goes_with_the_stack() -> None:
    for group in deployed.platform().resources(GROUP):
        assert group.properties["RetentionInDays"] == {"Ref": "LogRetentionDays"}, group
        assert group.properties["KmsKeyId"] == {"Ref": "LogsKeyArn"}, group
        assert group.body["DeletionPolicy"] == group.body["UpdateReplacePolicy"] == "Delete", group


def test_no_role_may_create_a_log_group() -> None:
    """One that AWS creates has no end and no key, and survives the stack."""
    for stack in house.as_deployed().values():
        assert "logs:CreateLogGroup" not in str(stack.body), stack.name


def test_a_function_logs_under_its_own_name() -> None:
    tree = deployed.platform()
    for function in tree.resources("AWS::Lambda::Function"):
        (name,) = _lambda(tree, function)
        own = deployed.text(tree, function.stack, function.properties["FunctionName"])
        assert name == f"/aws/lambda/{own}", function


def test_a_firewalls_log_begins_as_the_firewall_wants() -> None:
    tree = deployed.platform("prod")
    for writer in tree.resources("AWS::WAFv2::LoggingConfiguration"):
        assert all(name.startswith("aws-waf-logs-") for name in _firewall(tree, writer)), writer
