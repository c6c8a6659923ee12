"""Gap: calls on RDS are judged on an ARN that no policy can name, or on every resource.

An identifier that is an ARN already is wrapped in another one; tags and the targets of a proxy are
judged as calls on everything; a restore on the new cluster alone, and not on its source; an
instance not on its cluster; and neither on the parameter and subnet groups that they name.

Test: tests/contract/local/test_rds_arns.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.services import rds

from local import resource_arns

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_arns import Call

PATCHES: tuple[str, ...] = (
    "ministack.core.iam_actions:extract_resource_arn",
    "ministack.services.rds:_clusters",
    "ministack.services.rds:_db_proxies",
    "ministack.services.rds:_parse_member_list",
)
TYPES: tuple[str, ...] = ()

KINDS = {"DBInstanceIdentifier": "db", "DBClusterIdentifier": "cluster"}
TARGETS = {"DBClusterIdentifiers": "cluster", "DBInstanceIdentifiers": "db"}
GROUPS = {
    "DBParameterGroupName": "pg",
    "DBClusterParameterGroupName": "cluster-pg",
    "DBSubnetGroupName": "subgrp",
    "OptionGroupName": "og",
}
SOURCE = "SourceDBClusterIdentifier"


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_arns.name_by(_resources)


def _resources(call: Call) -> list[str] | None:
    if call.service != "rds":
        return None
    tagged = call.parameter("ResourceName")
    if tagged:
        return [tagged]
    if call.parameter("Action").endswith("DBProxyTargets"):
        return _of_targets(call)
    found = _named(call, KINDS)
    if not found:
        return None
    if source := call.parameter(SOURCE):
        found.append(_arn(call, "cluster", source))
    elif identity := call.parameter("SourceDbClusterResourceId"):
        clusters = rds._clusters.values()
        found += [c["DBClusterArn"] for c in clusters if c["DbClusterResourceId"] == identity]
    return found + _named(call, GROUPS)


def _of_targets(call: Call) -> list[str] | None:
    """Who registers needs the group alone; who takes away needs what it is taken from as well."""
    proxy = rds._db_proxies.get(call.parameter("DBProxyName"))
    if proxy is None:
        return None
    group = [proxy["TargetGroup"]["TargetGroupArn"]]
    match call.parameter("Action"):
        case "DeregisterDBProxyTargets":
            targets = [
                _arn(call, kind, name)
                for key, kind in TARGETS.items()
                for name in rds._parse_member_list(call.query, key)
            ]
            return [*group, proxy["DBProxyArn"], *targets]
        case "DescribeDBProxyTargets":
            return [*group, proxy["DBProxyArn"]]
        case _:
            return group


def _named(call: Call, kinds: dict[str, str]) -> list[str]:
    given = [_arn(call, kind, call.parameter(key)) for key, kind in kinds.items()]
    return [arn for arn in given if arn]


def _arn(call: Call, kind: str, name: str) -> str:
    if name.startswith("arn:"):
        return name
    return f"{call.scope}:{kind}:{name}" if name else ""
