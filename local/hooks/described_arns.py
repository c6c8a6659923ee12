"""Gap: calls that look at several things are judged on another resource than AWS judges them on.

Instances and clusters that are listed are judged as a call on everything, snapshots of Redis on
their group, tasks on their cluster, and vaults of AWS Backup, which stand in the path, on
everything. The cluster whose tasks are listed is a condition (``ecs:cluster``).

Test: tests/contract/local/test_described_arns.py
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region

from local import resource_arns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from local.context import Cloud
    from local.resource_arns import Call

PATCHES: tuple[str, ...] = (
    "ministack.core.iam_actions:extract_resource_arn",
    "ministack.core.iam_actions:request_tag_context",
)
TYPES: tuple[str, ...] = ()

LISTED = {  # by service and action: what the list is of, and the parameter that names one
    ("rds", "DescribeDBInstances"): ("db", "DBInstanceIdentifier"),
    ("rds", "DescribeDBClusters"): ("cluster", "DBClusterIdentifier"),
    ("elasticache", "DescribeSnapshots"): ("snapshot", "SnapshotName"),
}


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_arns.name_by(_resources)
    iam_actions.request_tag_context = _naming_the_cluster(iam_actions.request_tag_context)


def _resources(call: Call) -> str | Sequence[str] | None:
    match call.service, call.path.split("/"):
        case "ecs", _:
            return _of_tasks(call)
        case "backup", ["", "backup-vaults", vault, *_]:
            return f"{call.scope}:backup-vault:{vault}"
        case _:
            return _of_list(call)


def _of_list(call: Call) -> str | None:
    listed = LISTED.get((call.service, call.parameter("Action")))
    if listed is None:
        return None
    kind, parameter = listed
    return None if call.parameter(parameter) else f"{call.scope}:{kind}:*"


def _of_tasks(call: Call) -> str | Sequence[str] | None:
    if call.action == "ListTasks":
        return "*"
    if call.action != "DescribeTasks":
        return None
    asked = json.loads(call.body)
    return [
        task if task.startswith("arn:") else f"{call.scope}:task/{asked.get('cluster')}/{task}"
        for task in asked.get("tasks", [])
    ]


def _naming_the_cluster(stock: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @functools.wraps(stock)
    def telling(service: str, action: str, body: bytes, parameters: Any) -> dict[str, Any]:
        told = stock(service, action, body, parameters)
        if service != "ecs" or not body.startswith(b"{"):
            return told
        cluster = str(json.loads(body).get("cluster") or "default")
        if not cluster.startswith("arn:"):
            cluster = f"arn:aws:ecs:{get_region()}:{get_account_id()}:cluster/{cluster}"
        return told | {"ecs:cluster": cluster}

    return telling
