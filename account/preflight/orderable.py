"""What the region must sell: the engine in its version, the classes, in enough zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from account.preflight.finding import Check, Finding, Look, fails

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINE = "aurora-postgresql"
SHOP = "the laptop's cloud sells everything"


def _database(look: Look) -> Iterator[Finding]:
    rds, plan = look.at("rds"), look.plan
    version, size = plan.child("EngineVersion"), plan.get("DatabaseInstanceClass")
    check = f"{ENGINE} {version} on {size}"
    wanted = {"Engine": ENGINE, "EngineVersion": version, "DBInstanceClass": size, "Vpc": True}
    pages = rds.get_paginator("describe_orderable_db_instance_options").paginate(**wanted)
    zones = {
        zone["Name"]
        for page in pages
        for option in page["OrderableDBInstanceOptions"]
        for zone in option.get("AvailabilityZones", [])
    }
    if not zones:
        yield fails(check, "not orderable in this region", _instead(look, version, size))
    elif len(zones) < plan.zones:
        yield fails(
            check,
            f"in {len(zones)} zones, {plan.zones} members need as many",
            "Choose another DatabaseInstanceClass, or fewer DatabaseReaders.",
        )
    else:
        yield Finding(check, f"in {', '.join(sorted(zones))}")


def _instead(look: Look, version: str, size: str) -> str:
    """Which of the two is at fault."""
    rds = look.at("rds")
    offered = rds.describe_db_engine_versions(Engine=ENGINE, EngineVersion=version)
    if offered["DBEngineVersions"]:
        return f"Choose another DatabaseInstanceClass: {version} exists, {size} does not run it."
    every = rds.describe_db_engine_versions(Engine=ENGINE)["DBEngineVersions"]
    major = version.split(".", maxsplit=1)[0]
    known = [each["EngineVersion"] for each in every]
    same = [each for each in known if each.split(".")[0] == major]
    return f"Set EngineVersion in stacks/aurora.yaml to one of {', '.join(same or known)}."


def _redis(look: Look) -> Iterator[Finding]:
    """ElastiCache has no list of node types; it sells reservations of those that exist."""
    size = look.plan.get("RedisNodeType")
    answer = look.at("elasticache").describe_reserved_cache_nodes_offerings(
        CacheNodeType=size, MaxRecords=20
    )
    if answer["ReservedCacheNodesOfferings"]:
        yield Finding(f"Redis on {size}", "offered in this region")
    else:
        yield fails(
            f"Redis on {size}",
            "no reservation of it is sold here, so it is not offered",
            "Choose another RedisNodeType, such as cache.r7g.large or cache.t4g.small.",
        )


CHECKS = (
    Check("Aurora orderable", _database, SHOP),
    Check("Redis orderable", _redis, SHOP),
)
