"""Gap: all primaries of a replication group lie in zone a, and it does not say when it was made.

Here its members take turns through the zones of its subnets, each shard's primary in another than
the shard's before. Replicas are records: their zone is one, too.

Test: tests/contract/local/test_elasticache_zones.py
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_region
from ministack.services import elasticache

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.core.responses:get_region",
    "ministack.services.elasticache:_clusters",
    "ministack.services.elasticache:_rg_xml",
    "ministack.services.elasticache:_subnet_groups",
)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    elasticache._rg_xml = _placed(elasticache._rg_xml)


def _placed(stock: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    """Each answer about a group is written by this function, that to its creation included."""

    @functools.wraps(stock)
    def write(group: dict[str, Any]) -> str:
        made = group.setdefault("_made", dt.datetime.now(dt.UTC))
        _place(group)
        moment = made.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"{stock(group)}<ReplicationGroupCreateTime>{moment}</ReplicationGroupCreateTime>"

    return write


def _place(group: dict[str, Any]) -> None:
    zones = _zones(group)
    for shard, node_group in enumerate(group["NodeGroups"]):
        for number, member in enumerate(node_group["NodeGroupMembers"]):
            zone = zones[(shard + number) % len(zones)]
            member["PreferredAvailabilityZone"] = zone
            if cluster := elasticache._clusters.get(member["CacheClusterId"]):
                cluster["PreferredAvailabilityZone"] = zone


def _zones(group: dict[str, Any]) -> list[str]:
    subnets = elasticache._subnet_groups.get(group["CacheSubnetGroupName"], {}).get("Subnets", [])
    named = {subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets}
    return sorted(named) or [f"{get_region()}{letter}" for letter in "abc"]
