"""Gap: calls on RDS are judged on an ARN that no policy can name, or on every resource.

An identifier that is an ARN already is wrapped in another one; tags and the targets of a proxy are
judged as calls on everything; a restore on the new cluster alone, and not on its source.

Test: tests/contract/local/test_rds_arns.py
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions
from ministack.services import rds

from local.hooks.several_parameters import Several

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.core.iam_actions:_query_param",
    "ministack.core.iam_actions:extract_resource_arn",
    "ministack.services.rds:_clusters",
    "ministack.services.rds:_db_proxies",
)
TYPES: tuple[str, ...] = ()

KINDS = {"DBInstanceIdentifier": "db", "DBClusterIdentifier": "cluster"}
SOURCE = "SourceDBClusterIdentifier"


def install(cloud: Cloud) -> None:  # noqa: ARG001
    iam_actions.extract_resource_arn = _naming_resources(iam_actions.extract_resource_arn)


def _naming_resources(extract: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(extract)
    def extracting(service: str, *given: Any) -> str:
        query, region, account = given[-3:]
        if service != "rds":
            return extract(service, *given)
        found = _resources(query, f"arn:aws:rds:{region}:{account}")
        if not found:
            return extract(service, *given)
        several = Several(found[0])
        several.all = tuple(found)
        return several

    return extracting


def _resources(query: dict[str, Any], scope: str) -> list[str]:
    def named(key: str) -> str:
        return str(iam_actions._query_param(query, key))

    action, tagged = named("Action"), named("ResourceName")
    if tagged:
        return [tagged]
    if action.endswith("DBProxyTargets"):
        proxy = rds._db_proxies.get(named("DBProxyName"))
        return [proxy["TargetGroup"]["TargetGroupArn"]] if proxy else []
    found = [_arn(scope, kind, named(key)) for key, kind in KINDS.items() if named(key)][:1]
    if named(SOURCE):
        found.append(_arn(scope, "cluster", named(SOURCE)))
    elif identity := named("SourceDbClusterResourceId"):
        clusters = rds._clusters.values()
        found += [c["DBClusterArn"] for c in clusters if c["DbClusterResourceId"] == identity]
    return found


def _arn(scope: str, kind: str, name: str) -> str:
    return name if name.startswith("arn:") else f"{scope}:{kind}:{name}"
