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

from local.hooks.several_parameters import Several

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.core.iam_actions:_query_param",
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
    iam_actions.extract_resource_arn = _naming_resources(iam_actions.extract_resource_arn)
    iam_actions.request_tag_context = _naming_the_cluster(iam_actions.request_tag_context)


def _naming_resources(extract: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(extract)
    def extracting(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        scope = f"arn:aws:{service}:{region}:{account}"
        match service, path.split("/"):
            case "ecs", _:
                found = _of_tasks(headers.get("x-amz-target", ""), body, scope)
            case "backup", ["", "backup-vaults", vault, *_]:
                found = f"{scope}:backup-vault:{vault}"
            case _:
                found = _of_list(service, query, scope)
        return found or extract(service, method, path, headers, body, query, region, account)

    return extracting


def _of_list(service: str, query: dict[str, Any], scope: str) -> str:
    action = str(iam_actions._query_param(query, "Action"))
    if (service, action) not in LISTED:
        return ""
    kind, parameter = LISTED[service, action]
    if iam_actions._query_param(query, parameter):
        return ""
    return f"{scope}:{kind}:*"


def _of_tasks(target: str, body: bytes, scope: str) -> str:
    action = target.rpartition(".")[2]
    if action == "ListTasks":
        return "*"
    if action != "DescribeTasks":
        return ""
    asked = json.loads(body)
    arns = [
        task if task.startswith("arn:") else f"{scope}:task/{asked.get('cluster')}/{task}"
        for task in asked.get("tasks", [])
    ]
    several = Several(arns[0] if arns else "*")
    several.all = tuple(arns)
    return several


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
