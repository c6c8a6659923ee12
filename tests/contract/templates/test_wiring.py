from __future__ import annotations

import pytest

from tests.contract.templates import house

# Tests, the demo and scripts know the platform by these.
PROMISED = {
    "AddressBook",
    "AnalyticsEventSourceMappingId",
    "AnalyticsFunctionName",
    "AnalyticsSecretArn",
    "AuroraClusterEndpoint",
    "AuroraClusterId",
    "AuroraClusterReadEndpoint",
    "AuroraPort",
    "DBSecretArn",
    "EnvironmentSuffix",
    "GaveUpQueueUrl",
    "HoldTableName",
    "KinesisStreamARN",
    "KinesisStreamName",
    "MasterSecretArn",
    "OpsEventBusName",
    "PageTopicArn",
    "PrivacySecretArn",
    "RecoverySecretArn",
    "RedeployStateMachineArn",
    "RedisAppSecretArn",
    "RedisEndpoint",
    "RedisOpsSecretArn",
    "RedisPort",
    "RejectsQueueUrl",
    "RotationFunctionName",
    "RotationSweepFunctionName",
    "SchemaFunctionName",
    "TicketTopicArn",
    "VPCId",
}

every_child = pytest.mark.parametrize("child", house.children())
every_holder = pytest.mark.parametrize(
    "holder", [house.root(), *house.chapters().values()], ids=lambda stack: stack.name
)


def outputs_read(node: object) -> set[tuple[str, str]]:
    """(child, output) for every `!GetAtt Child.Outputs.Name` below this node."""
    return {
        (value[0], value[1].removeprefix("Outputs."))
        for path, value in house.walk(node)
        if path and path[-1] == "Fn::GetAtt" and value[1].startswith("Outputs.")
    }


@every_child
def test_a_child_is_given_every_parameter_it_cannot_do_without_and_no_other(child: str) -> None:
    declared = house.children()[child].parameters
    needed = {name for name, parameter in declared.items() if "Default" not in parameter}

    assert needed - set(house.given(child)) == set()
    assert set(house.given(child)) - set(declared) == set()


@every_child
def test_a_child_uses_every_parameter_it_declares(child: str) -> None:
    stack = house.children()[child]
    used = house.names_used([stack.body["Resources"], stack.body.get("Conditions"), stack.outputs])

    assert set(stack.parameters) - used == set()


@every_holder
def test_a_stack_reads_only_its_neighbours_above_it(holder: house.Stack) -> None:
    order = list(house.nested(holder))
    below = {
        (child, other)
        for child in order
        for other, _ in outputs_read(house.given(child))
        if other not in order[: order.index(child)]
    }

    assert below == set()


@every_holder
def test_every_output_that_is_read_exists_and_every_output_is_read(holder: house.Stack) -> None:
    read = outputs_read(holder.body)
    offered = {
        (child, output) for child, stack in house.nested(holder).items() for output in stack.outputs
    }

    assert read - offered == set()
    assert offered - read == set()


def test_a_resource_is_found_from_the_root_in_two_steps() -> None:
    """The root names the chapter, the chapter the stack; no chapter holds chapters."""
    deeper = {
        logical_id: list(house.chapters())
        for logical_id, chapter in house.chapters().items()
        if set(house.nested(chapter)) & set(house.chapters())
    }

    assert deeper == {}


def test_the_root_uses_every_parameter_it_declares() -> None:
    root = house.root()

    assert set(root.parameters) - house.names_used([root.body["Resources"], root.outputs]) == set()


def test_a_parameter_has_the_same_name_all_the_way_down() -> None:
    renamed = {
        (child, name, value["Ref"])
        for child in house.children()
        for name, value in house.given(child).items()
        if "Ref" in value and value["Ref"] != name
    }

    assert renamed == set()


def test_a_childs_allowed_values_are_the_roots() -> None:
    root = house.root().parameters
    differing = {
        (child, name)
        for child, stack in house.children().items()
        for name, parameter in stack.parameters.items()
        if name in root
        and "AllowedValues" in parameter
        and parameter["AllowedValues"] != root[name].get("AllowedValues")
    }

    assert differing == set()


def test_every_instance_class_has_its_thresholds() -> None:
    mapping = house.children()["AuroraAlarms"].body["Mappings"]["InstanceClass"]

    assert list(mapping) == house.root().parameters["DatabaseInstanceClass"]["AllowedValues"]


def test_the_outputs_that_others_rely_on_are_there() -> None:
    assert PROMISED - set(house.root().outputs) == set()
