"""Where the templates meet the code that they deploy."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from pathlib import Path

import pytest

from account import pinned
from tests.contract.templates import deployed, house, wires

FUNCTIONS = house.functions()
ROOMS = sorted(path.parent for path in (house.ROOT / "functions").glob("*/__init__.py"))
FOR_POWERTOOLS = "POWERTOOLS_"

every_function = pytest.mark.parametrize(
    "function", [it[2] for it in FUNCTIONS], ids=[it[1] for it in FUNCTIONS]
)


def room(function: house.Body) -> str:
    return str(function["Handler"]).partition(".")[0]


def test_every_room_has_a_function_and_every_function_a_room() -> None:
    assert {path.name for path in ROOMS} == {room(function) for _, _, function in FUNCTIONS}


@every_function
def test_a_function_ships_its_room_under_the_name_that_tests_import(function: house.Body) -> None:
    package, module, name = function["Handler"].split(".")

    assert function["CodeUri"] == f"../functions/{package}"
    assert callable(getattr(importlib.import_module(f"{package}.{module}"), name))


def test_sam_keeps_the_rooms_name_in_the_package() -> None:
    for stack, logical_id, _ in FUNCTIONS:
        metadata = stack.resources()[logical_id]["Metadata"]
        assert metadata["BuildProperties"] == {"ParentPackageMode": "auto"}


@every_function
def test_the_environment_is_what_the_settings_read_in_the_same_order(function: house.Body) -> None:
    given = list(function["Environment"]["Variables"])

    assert [name for name in given if not name.startswith(FOR_POWERTOOLS)] == [
        field.name.upper() for each in settings_of(function) for field in dataclasses.fields(each)
    ]


def settings_of(function: house.Body) -> list[type]:
    """The classes of its room's settings that its entry imports, in their order there; an entry
    that imports them late reads `Settings`."""
    known = importlib.import_module(f"{room(function)}.settings")
    entry = importlib.import_module(function["Handler"].rpartition(".")[0])
    used = [
        each
        for name, each in vars(known).items()
        if dataclasses.is_dataclass(each) and getattr(entry, name, None) is each
    ]
    return used or [known.Settings]


@every_function
def test_a_function_logs_under_the_name_of_its_room(function: house.Body) -> None:
    assert function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == room(function)


@every_function
def test_the_environment_holds_names_and_no_secrets(function: house.Body) -> None:
    assert "resolve:" not in str(function["Environment"])


@every_function
def test_every_function_runs_on_the_same_ground(function: house.Body) -> None:
    assert function["Runtime"] == "python3.14"
    assert function["Architectures"] == ["arm64"]
    assert function["Layers"] == [{"Ref": "CoreLayerArn"}, {"Ref": "VendorLayerArn"}]
    assert function["Timeout"] > 0
    assert function["MemorySize"] >= 128


def test_no_room_takes_a_name_that_python_or_a_layer_uses() -> None:
    core = {path.name for path in (house.ROOT / "layers/core/python").iterdir()}
    taken = core | set(sys.stdlib_module_names) | {"boto3", "botocore", "tests", "local", "account"}

    assert {path.name for path in ROOMS} & taken == set()


def test_no_function_brings_its_own_requirements() -> None:
    assert list((house.ROOT / "functions").rglob("requirements*.txt")) == []


def test_cloudformation_notices_every_migration() -> None:
    pinned.MIGRATIONS.check()


def test_the_schema_is_migrated_in_time_or_says_that_it_was_not() -> None:
    schema = house.children()["Schema"].resources()
    wait = int(schema["DatabaseSchema"]["Properties"]["ServiceTimeout"])

    assert wait == 900
    assert schema["SchemaFunction"]["Properties"]["Timeout"] <= wait - 60


def test_the_schema_comes_back_for_another_cluster() -> None:
    properties = house.children()["Schema"].resources()["DatabaseSchema"]["Properties"]

    assert properties["ClusterResourceId"] == {"Ref": "ClusterResourceId"}
    tree = deployed.platform()
    origins = tree.origins("Schema", {"Ref": "ClusterResourceId"})
    assert origins == {wires.Made("Aurora", "Cluster", "DBClusterResourceId")}


def test_the_stream_is_read_in_order_for_ever_and_never_past_its_end() -> None:
    mapping = house.children()["Analytics"].resources()["AnalyticsEventSource"]["Properties"]
    stream = house.children()["Stream"].resources()["Stream"]["Properties"]

    assert mapping["ParallelizationFactor"] == 1
    assert mapping["MaximumRetryAttempts"] == -1
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert "FunctionResponseTypes" not in mapping
    assert mapping["MaximumRecordAgeInSeconds"] == 6 * 86_400
    assert stream["RetentionPeriodHours"] * 3600 == 7 * 86_400
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {
        "Fn::GetAtt": ["GaveUp", "Arn"]
    }


def test_paths_that_templates_name_exist() -> None:
    for stack in house.everything():
        for path, value in house.walk(stack.body["Resources"]):
            if path[-1:] in (("CodeUri",), ("ContentUri",), ("DefinitionUri",), ("Location",)):
                assert (stack.path.parent / Path(value)).resolve().exists(), (stack.name, value)
