"""The wires themselves, on small invented platforms."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.templates.wires import Asked, Made, Said, Tree

Body = dict[str, Any]


def nested(**parameters: Any) -> Body:
    return {"Type": "AWS::CloudFormation::Stack", "Properties": {"Parameters": parameters}}


def thing(**properties: Any) -> Body:
    return {"Type": "Test::Thing", "Properties": properties}


def get(name: str, attribute: str) -> Body:
    return {"Fn::GetAtt": [name, attribute]}


PLATFORM: dict[str, Body] = {
    "Root": {
        "Parameters": {"Suffix": {}, "Twice": {"Default": "false"}},
        "Conditions": {"HasTwo": {"Fn::Equals": [{"Ref": "Twice"}, "true"]}},
        "Resources": {
            "Keys": nested(Suffix={"Ref": "Suffix"}),
            "Chapter": nested(
                KeyArn=get("Keys", "Outputs.KeyArn"),
                Zone={"Fn::If": ["HasTwo", {"Ref": "Second"}, {"Ref": "First"}]},
                Twice={"Ref": "Twice"},
            ),
            "First": thing(),
            "Second": {**thing(), "Condition": "HasTwo"},
            "Watcher": thing(Of=get("Chapter", "Outputs.StoreId")),
        },
    },
    "Keys": {
        "Parameters": {"Suffix": {}},
        "Resources": {"Key": thing(Name={"Fn::Sub": "key-${Suffix}"}), "Alias": thing()},
        "Outputs": {"KeyArn": {"Value": get("Key", "Arn")}},
    },
    "Chapter": {
        "Parameters": {"KeyArn": {}, "Zone": {}, "Twice": {}},
        "Resources": {
            "Subnets": nested(),
            "Store": nested(KeyArn={"Ref": "KeyArn"}, SubnetIds=get("Subnets", "Outputs.Ids")),
            "Late": {**thing(), "DependsOn": "Store"},
        },
        "Outputs": {"StoreId": {"Value": get("Store", "Outputs.Id")}},
    },
    "Subnets": {
        "Resources": {"A": thing(), "B": thing(), "Subnets": thing()},  # named as its stack
        "Outputs": {"Ids": {"Value": {"Fn::Join": [",", [{"Ref": "A"}, {"Ref": "B"}]]}}},
    },
    "Store": {
        "Parameters": {"KeyArn": {}, "SubnetIds": {}, "Size": {"Default": 7}},
        "Mappings": {"Sizes": {"small": {"Gb": 1}, "large": {"Gb": 9}}},
        "Resources": {
            "Group": {**thing(), "DependsOn": ["Policy"]},
            "Policy": thing(),
            "Database": thing(Key={"Ref": "KeyArn"}, Group={"Ref": "Group"}),
        },
        "Outputs": {"Id": {"Value": {"Ref": "Database"}}},
    },
}

KEY = Made("Keys", "Key", "Arn")


@pytest.fixture
def tree() -> Tree:
    return Tree(PLATFORM)


@pytest.mark.parametrize(
    ("stack", "node", "origins"),
    [
        ("Store", {"Ref": "KeyArn"}, {KEY}),
        ("Root", get("Chapter", "Outputs.StoreId"), {Made("Store", "Database")}),
        ("Root", {"Fn::GetAtt": "Keys.Outputs.KeyArn"}, {KEY}),
        ("Store", {"Ref": "Size"}, {Said("7")}),
        ("Keys", {"Ref": "Suffix"}, {Asked("Suffix")}),
        ("Keys", {"Ref": "AWS::Region"}, {Said("AWS::Region")}),
        ("Store", {"Ref": "SubnetIds"}, {Made("Subnets", "A"), Made("Subnets", "B")}),
        ("Store", {"Fn::Select": [1, {"Ref": "SubnetIds"}]}, {Made("Subnets", "B")}),
        ("Store", {"Fn::Select": ["0", [{"Ref": "Group"}, "x"]]}, {Made("Store", "Group")}),
        (
            "Store",
            {"Fn::Select": [1, {"Fn::Split": [",", {"Ref": "SubnetIds"}]}]},
            {Made("Subnets", "B")},
        ),
        ("Store", {"Fn::Select": [2, {"Fn::Split": [":", {"Ref": "KeyArn"}]}]}, {KEY}),
        ("Chapter", {"Ref": "Zone"}, {Made("Root", "First"), Made("Root", "Second")}),
        ("Store", {"Fn::Sub": "${KeyArn}/${Group.Id}"}, {KEY, Made("Store", "Group", "Id")}),
        ("Store", {"Fn::Sub": ["${x}${!literal}", {"x": {"Ref": "KeyArn"}}]}, {KEY}),
        ("Store", {"Fn::FindInMap": ["Sizes", "small", "Gb"]}, {Said("1"), Said("9")}),
        ("Store", [{"Ref": "AWS::NoValue"}, {"Deep": {"Ref": "KeyArn"}}], {KEY}),
    ],
)
def test_a_value_is_traced_to_what_makes_it(
    tree: Tree, stack: str, node: Any, origins: set[Any]
) -> None:
    assert tree.origins(stack, node) == origins


@pytest.mark.parametrize(("twice", "zone"), [("true", "Second"), ("false", "First")])
def test_with_parameters_only_the_branch_that_is_taken_counts(twice: str, zone: str) -> None:
    tree = Tree(PLATFORM, {"Twice": twice})

    assert tree.origins("Chapter", {"Ref": "Zone"}) == {Made("Root", zone)}
    assert tree.needs("Root", "Chapter") == {"Keys", zone}
    assert (tree.resource("Root", "Second") in tree.resources()) is (twice == "true")
    assert len(tree.resources()) == 16 - (twice == "false")


def test_conditions_may_be_combined_and_cross_stacks() -> None:
    tree = Tree(PLATFORM, {"Twice": "true"})
    yes = {"Fn::Equals": [{"Ref": "Twice"}, "true"]}
    no = {"Fn::Not": [yes]}

    assert tree.holds("Chapter", {"Fn::And": [yes, yes]})
    assert not tree.holds("Chapter", {"Fn::And": [yes, no]})
    assert tree.holds("Chapter", {"Fn::Or": [no, yes]})
    assert not tree.holds("Chapter", {"Fn::Or": [no, no]})
    assert tree.holds("Root", {"Condition": "HasTwo"})
    assert not tree.holds("Chapter", {"Fn::Equals": [{"Ref": "KeyArn"}, ""]})


@pytest.mark.parametrize(
    ("first", "then", "certain"),
    [
        (("Keys", "Alias"), ("Store", "Database"), True),  # the whole stack comes first
        (("Subnets", "A"), ("Store", "Policy"), True),
        (("Store", "Policy"), ("Store", "Database"), True),  # through Group
        (("Store", "Policy"), ("Chapter", "Late"), True),
        (("Store", "Policy"), ("Root", "Watcher"), True),
        (("Store", "Database"), ("Store", "Policy"), False),
        (("Store", "Database"), ("Keys", "Key"), False),
        (("Subnets", "A"), ("Subnets", "B"), False),
        (("Root", "Watcher"), ("Keys", "Key"), False),
        (("Store", "Database"), ("Store", "Database"), False),
    ],
)
def test_what_comes_first_is_known_across_stacks(
    tree: Tree, first: tuple[str, str], then: tuple[str, str], certain: bool
) -> None:
    assert tree.before(tree.resource(*first), tree.resource(*then)) is certain


def test_a_stack_that_is_not_wanted_takes_its_resources_with_it() -> None:
    optional = {**PLATFORM["Root"]["Resources"]["Keys"], "Condition": "HasTwo"}
    root = {**PLATFORM["Root"], "Resources": {**PLATFORM["Root"]["Resources"], "Keys": optional}}

    without = Tree({**PLATFORM, "Root": root}, {"Twice": "false"})

    assert not any(it.stack == "Keys" for it in without.resources())
    assert without.exists("Store")


def test_the_resources_behind_a_value_are_found_once_each(tree: Tree) -> None:
    behind = tree.made("Store", [{"Ref": "KeyArn"}, {"Ref": "SubnetIds"}, {"Ref": "KeyArn"}])

    assert [str(it) for it in behind] == ["Keys.Key", "Subnets.A", "Subnets.B"]
