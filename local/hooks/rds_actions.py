"""The part of the `rds` hook that follows the RDS API: what an action did to the records, the
servers do too before the action answers.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.services import rds

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.databases import Databases

    Parameters = dict[str, Any]
    Answer = tuple[int, dict[str, str], bytes]
    Action = Callable[[Parameters], Answer]

PATCHES: tuple[str, ...] = (
    "ministack.services.rds:_ACTION_MAP",
    "ministack.services.rds:_cluster_xml",
    "ministack.services.rds:_p",
    "ministack.services.rds:_resolve_cluster_in_request_region",
    "ministack.services.rds:_resolve_instance",
    "ministack.services.rds:_single_instance_response",
    "ministack.services.rds:_xml",
)


def install(databases: Databases) -> None:
    def change(name: str, parameters: Parameters) -> None:
        if rds._p(parameters, "MasterUserPassword"):
            databases.change_password(name)
        databases.refresh(name)

    followers: dict[str, Callable[[str, Parameters], None]] = {
        "CreateDBCluster": lambda name, _: databases.found(name),
        "ModifyDBCluster": change,
        "FailoverDBCluster": lambda name, _: databases.fail_over(name),
        "DeleteDBCluster": lambda name, _: databases.abandon(name),
        "CreateDBInstance": lambda name, _: databases.join(name),
        "DeleteDBInstance": lambda name, _: databases.leave(name),
    }
    for action, follow in followers.items():
        rds._ACTION_MAP[action] = _followed(action, rds._ACTION_MAP[action], follow)
    for action in ("DescribeDBClusters", "DescribeDBInstances"):
        rds._ACTION_MAP[action] = _fresh(rds._ACTION_MAP[action], databases)


def _followed(action: str, stock: Action, follow: Callable[[str, Parameters], None]) -> Action:
    find = finder(action)

    def run(parameters: Parameters) -> Answer:
        before = find(parameters)  # a deletion takes the record away
        answered = stock(parameters)
        if answered[0] == HTTPStatus.OK:
            record = before or find(parameters)
            follow(record.get("DBInstanceIdentifier") or record["DBClusterIdentifier"], parameters)
            return answer(action, record)
        return answered

    return run


def noted(action: str, note: Callable[[dict[str, Any], Parameters], None]) -> Action:
    """The action as it is by now; when it went well, its record gets a note of what was asked."""
    stock: Action = rds._ACTION_MAP[action]
    find = finder(action)

    def run(parameters: Parameters) -> Answer:
        answered = stock(parameters)
        if answered[0] == HTTPStatus.OK:
            note(record := find(parameters), parameters)
            return answer(action, record)
        return answered

    return run


def _fresh(stock: Action, databases: Databases) -> Action:
    def run(parameters: Parameters) -> Answer:
        databases.refresh_all()
        return stock(parameters)

    return run


def answer(action: str, record: dict[str, Any]) -> Answer:
    """As stock, but from the record as it is now."""
    root, result = f"{action}Response", f"{action}Result"
    if "DBInstanceIdentifier" in record:
        told: Answer = rds._single_instance_response(root, result, record)
    else:
        inner = f"<DBCluster>{rds._cluster_xml(record)}</DBCluster>"
        told = rds._xml(HTTPStatus.OK, root, f"<{result}>{inner}</{result}>")
    return told


def finder(action: str) -> Callable[[Parameters], dict[str, Any]]:
    """Finds the record that an action on clusters or instances is about; empty if there is none."""
    return _cluster if action.endswith("Cluster") else _instance


def _cluster(parameters: Parameters) -> dict[str, Any]:
    name = rds._p(parameters, "DBClusterIdentifier")
    return rds._resolve_cluster_in_request_region(name) or {}


def _instance(parameters: Parameters) -> dict[str, Any]:
    return rds._resolve_instance(rds._p(parameters, "DBInstanceIdentifier")) or {}
