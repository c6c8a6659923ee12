"""Gap: plans that test restores are unknown to CloudFormation, and Backup knows of none.

Here a stack's plans and selections are kept and told. Nothing is restored, whatever the schedule.

Test: tests/contract/local/test_types_restore_testing.py
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid
from ministack.services import backup

from local import resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES: tuple[str, ...] = (
    *resource_types.PATCHES,
    "ministack.core.responses:AccountRegionScopedDict",
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.core.responses:new_uuid",
    "ministack.services.backup:_get_restore_testing_plan",
    "ministack.services.backup:_get_restore_testing_selection",
    "ministack.services.backup:_list_restore_testing_plans",
    "ministack.services.backup:_list_restore_testing_selections",
    "ministack.services.backup:_not_found",
    "ministack.services.backup:_ok",
    "ministack.services.backup:_paginate",
)
PLAN = "AWS::Backup::RestoreTestingPlan"
SELECTION = "AWS::Backup::RestoreTestingSelection"
TYPES: tuple[str, ...] = (PLAN, SELECTION)

_plans = AccountRegionScopedDict()
_selections = AccountRegionScopedDict()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register(PLAN, create_plan, _plans_end, update_plan)
    resource_types.register(SELECTION, create_selection, _selections_end, update_selection)
    backup._list_restore_testing_plans = _list_plans
    backup._get_restore_testing_plan = _get_plan
    backup._list_restore_testing_selections = _list_selections
    backup._get_restore_testing_selection = _get_selection


def create_plan(_: str, properties: Properties, __: str) -> Created:
    name = properties["RestoreTestingPlanName"]
    if name in _plans:
        raise ValueError(f"Restore testing plan {name} exists already")
    scope = f"{get_region()}:{get_account_id()}"
    arn = f"arn:aws:backup:{scope}:restore-testing-plan:{name}-{new_uuid()}"
    _plans[name] = _kept(properties) | {"RestoreTestingPlanArn": arn, "CreationTime": time.time()}
    return name, {"RestoreTestingPlanArn": arn, "RestoreTestingPlanName": name}


def update_plan(name: str, _: Properties, new: Properties, stack: str, logical_id: str) -> Created:
    if new["RestoreTestingPlanName"] != name:
        return create_plan(logical_id, new, stack)
    _plans[name] |= _kept(new)
    arn = _plans[name]["RestoreTestingPlanArn"]
    return name, {"RestoreTestingPlanArn": arn, "RestoreTestingPlanName": name}


def create_selection(_: str, properties: Properties, __: str) -> Created:
    plan, name = properties["RestoreTestingPlanName"], properties["RestoreTestingSelectionName"]
    if plan not in _plans:
        raise ValueError(f"Restore testing plan {plan} does not exist")
    identity = f"{plan}|{name}"
    _selections[identity] = _kept(properties) | {"CreationTime": time.time()}
    return identity, {}


def update_selection(
    _: str, __: Properties, new: Properties, stack: str, logical_id: str
) -> Created:
    """Other names are another selection; the stack then ends the old one in its clean-up."""
    return create_selection(logical_id, new, stack)


def _plans_end(name: str, _: Properties) -> None:
    _plans.pop(name, None)


def _selections_end(identity: str, _: Properties) -> None:
    _selections.pop(identity, None)


def _kept(properties: Properties) -> Properties:
    numbers = ("StartWindowHours", "ValidationWindowHours")
    found = resource_types.untagged(properties)
    return found | {name: int(found[name]) for name in numbers if name in found}


def _list_plans(query: dict[str, str]) -> Any:
    return backup._paginate(list(_plans.values()), query, "RestoreTestingPlans")


def _get_plan(name: str) -> Any:
    if name not in _plans:
        return backup._not_found(f"Restore testing plan '{name}' not found.")
    return backup._ok({"RestoreTestingPlan": _plans[name]})


def _list_selections(plan: str, query: dict[str, str]) -> Any:
    if plan not in _plans:
        return backup._not_found(f"Restore testing plan '{plan}' not found.")
    its = [each for each in _selections.values() if each["RestoreTestingPlanName"] == plan]
    return backup._paginate(its, query, "RestoreTestingSelections")


def _get_selection(plan: str, name: str) -> Any:
    found = _selections.get(f"{plan}|{name}")
    if found is None:
        return backup._not_found(f"Restore testing selection '{name}' not found.")
    return backup._ok({"RestoreTestingSelection": found})
