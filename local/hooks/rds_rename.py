"""The part of the `rds` hook that gives clusters and instances other names.

What is kept under the old name on AWS stays there: a proxy's target, a scalable target, events.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.services import rds

from local.hooks import rds_actions

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.databases import Databases
    from local.hooks.rds_actions import Action, Answer, Parameters

    Record = dict[str, Any]

PATCHES: tuple[str, ...] = (
    "ministack.services.rds:_ACTION_MAP",
    "ministack.services.rds:_clusters",
    "ministack.services.rds:_error",
    "ministack.services.rds:_instances",
    "ministack.services.rds:_p",
    "ministack.services.rds:_tags",
)


def install(databases: Databases) -> None:
    def cluster(record: Record, new: str) -> None:
        old = record["DBClusterIdentifier"]
        databases.rename(old, new)
        _move(rds._clusters, record, "DBCluster", new)
        for member in record["DBClusterMembers"]:
            rds._instances[member["DBInstanceIdentifier"]]["DBClusterIdentifier"] = new
        databases.refresh(new)

    def instance(record: Record, new: str) -> None:
        old = record["DBInstanceIdentifier"]
        databases.rename_member(old, new)
        _move(rds._instances, record, "DBInstance", new)
        parent = rds._clusters.get(record.get("DBClusterIdentifier") or "", {})
        for member in parent.get("DBClusterMembers", []):
            if member["DBInstanceIdentifier"] == old:
                member["DBInstanceIdentifier"] = new

    for kind, rename in (("DBCluster", cluster), ("DBInstance", instance)):
        action = f"Modify{kind}"
        rds._ACTION_MAP[action] = _renamed(kind, rds._ACTION_MAP[action], rename)


def _renamed(kind: str, modify: Action, rename: Callable[[Record, str], None]) -> Action:
    find, action = rds_actions.finder(kind), f"Modify{kind}"

    def run(parameters: Parameters) -> Answer:
        new = rds._p(parameters, f"New{kind}Identifier").lower()
        record = find(parameters)
        if not new or not record or new == record[f"{kind}Identifier"]:
            return modify(parameters)
        if refusal := _refusal(kind, parameters, new):
            return refusal
        answer = modify(parameters)
        if answer[0] == HTTPStatus.OK:
            rename(record, new)
            return rds_actions.answer(action, record)
        return answer

    return run


def _refusal(kind: str, parameters: Parameters, new: str) -> Answer | None:
    cluster = kind == "DBCluster"
    answer: Answer | None = None
    if new in (rds._clusters if cluster else rds._instances):
        code = "DBClusterAlreadyExistsFault" if cluster else "DBInstanceAlreadyExists"
        answer = rds._error(code, f"{kind} {new} already exists.", HTTPStatus.BAD_REQUEST)
    elif rds._p(parameters, "ApplyImmediately") != "true":
        message = "The laptop cloud has no maintenance window: rename with ApplyImmediately."
        answer = rds._error("InvalidParameterCombination", message, HTTPStatus.BAD_REQUEST)
    return answer


def _move(records: Any, record: Record, kind: str, new: str) -> None:
    """Keep all but the name, and the ARN that follows it."""
    old, arn = record[f"{kind}Identifier"], record[f"{kind}Arn"]
    record[f"{kind}Identifier"] = new
    record[f"{kind}Arn"] = f"{arn.rpartition(':')[0]}:{new}"
    records[new] = record
    del records[old]
    if arn in rds._tags:
        rds._tags[record[f"{kind}Arn"]] = rds._tags.pop(arn)
