"""Each fact about the whole platform can be broken: changed against it, its test fails."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.templates import deployed, test_restoring, wires
from tests.contract.templates.sabotage import SABOTAGE
from tests.contract.templates.sabotage_restore import RESTORE, WALKED
from tests.contract.templates.sabotage_rotation import ROTATION
from tests.contract.templates.sabotage_shapes import GONE, SHAPES, shapes

if TYPE_CHECKING:
    from collections.abc import Callable

PLATFORM = deployed.platform
ROWS = [*SABOTAGE, *shapes(SHAPES), *shapes(ROTATION), *shapes(RESTORE)]
WAYS = list(shapes({test_restoring: WALKED}))


def changed(where: str, value: Any) -> dict[str, Any]:
    """A copy of all templates with one place changed, which must exist unless it is added."""
    bodies = copy.deepcopy(PLATFORM().bodies)
    stack, *path = where.split()
    change(bodies[stack]["Resources"], path, value)
    return bodies


def change(node: Any, way: list[str], value: Any) -> None:
    *path, last = way
    for key in path:
        node = node[int(key)] if isinstance(node, list) else node[key]
    if value is not GONE and isinstance(node, list) and int(last) == len(node):
        node.append(value)
    elif value is GONE:
        del node[int(last) if isinstance(node, list) else last]
    else:
        node[int(last) if isinstance(node, list) else last] = value


@pytest.mark.parametrize(
    ("fact", "where", "value"),
    ROWS,
    ids=[f"{fact.__name__}-{where.replace(' ', '-')}" for fact, where, _ in ROWS],
)
def test_a_fact_fails_when_the_platform_is_changed_against_it(
    monkeypatch: pytest.MonkeyPatch, fact: Callable[[], None], where: str, value: Any
) -> None:
    bodies = changed(where, value)

    def platform(environment: str = "") -> wires.Tree:
        given = deployed.profile(environment) if environment else None
        return wires.Tree(bodies, given)

    fact()  # holds as the platform is
    monkeypatch.setattr(deployed, "platform", platform)
    with pytest.raises((AssertionError, ValueError, KeyError, IndexError)):
        fact()


@pytest.mark.parametrize(
    ("fact", "where", "value"),
    WAYS,
    ids=[f"{fact.__name__}-{where.replace(' ', '-')}" for fact, where, _ in WAYS],
)
def test_a_fact_fails_when_the_workflow_is_changed_against_it(
    monkeypatch: pytest.MonkeyPatch, fact: Callable[[], None], where: str, value: Any
) -> None:
    states = copy.deepcopy(test_restoring.states())
    change(states, where.split(), value)

    fact()  # holds as the workflow is
    monkeypatch.setattr(test_restoring, "states", lambda: states)
    with pytest.raises((AssertionError, ValueError, KeyError, IndexError)):
        fact()
