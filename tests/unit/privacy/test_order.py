"""Children go before parents, whatever shape the foreign keys have."""

from __future__ import annotations

import pytest

from privacy import order
from privacy.data_map import ForeignKey
from privacy.errors import DataMapDrifted


def key(child: str, parent: str, column: str = "") -> ForeignKey:
    return ForeignKey(child, column or f"{parent[2:]}_id", parent, f"{parent[2:]}_id")


def tables(*keys: ForeignKey) -> list[str]:
    return [step.table for step in order.steps("a.root", "id", keys)]


def test_leaves_first_and_the_root_last() -> None:
    found = tables(key("a.child", "a.root"), key("a.leaf", "a.child"), key("a.other", "a.root"))

    assert found[-1] == "a.root"
    assert found.index("a.leaf") < found.index("a.child")
    assert set(found) == {"a.leaf", "a.child", "a.other", "a.root"}


def test_what_no_key_leads_to_is_left_alone() -> None:
    assert tables(key("a.rating", "a.title"), key("a.child", "a.root")) == ["a.child", "a.root"]


def test_a_row_with_two_ways_to_a_person_goes_by_either() -> None:
    keys = [key("a.child", "a.root"), key("a.gift", "a.root", "giver"), key("a.gift", "a.child")]
    steps = {step.table: step for step in order.steps("a.root", "id", keys)}

    assert str(steps["a.gift"].owned).count("SELECT") == 3  # two ways, one of them two steps long
    assert " OR " in str(steps["a.gift"].owned)


def test_parents_are_known_because_they_are_locked() -> None:
    steps = order.steps("a.root", "id", [key("a.child", "a.root"), key("a.leaf", "a.child")])

    assert [step.is_parent for step in steps] == [False, True, True]


def test_a_key_to_the_same_table_changes_nothing() -> None:
    assert tables(key("a.child", "a.root"), key("a.child", "a.child")) == ["a.child", "a.root"]


def test_a_circle_is_refused_and_named() -> None:
    with pytest.raises(DataMapDrifted, match=r"a circle.*a\.child"):
        tables(key("a.child", "a.root"), key("a.root", "a.child"))
