"""Gap: nobody listens where MiniStack's database proxies are, and CloudFormation lacks their types.

Here each endpoint of a proxy is an address that leads to the cluster which is the proxy's target, a
READ_ONLY endpoint to its readers. Everything else about a proxy is recorded and not acted on:
tokens are not asked for, connections are not pooled, and the password of its secret is never used.

Test: tests/integration/local/test_rds_proxy.py
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.services import rds

from local import gateway, proxy_doors, resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.hooks.rds_actions import Action, Answer, Parameters
    from local.proxy_doors import ProxyDoors
    from local.resource_types import Created, Properties

PATCHES: tuple[str, ...] = (
    *proxy_doors.PATCHES,
    *resource_types.PATCHES,
    "ministack.services.rds:_ACTION_MAP",
    "ministack.services.rds:_db_proxies",
    "ministack.services.rds:_db_proxy_endpoint_xml",
    "ministack.services.rds:_db_proxy_endpoints",
    "ministack.services.rds:_db_proxy_xml",
    "ministack.services.rds:_p",
    "ministack.services.rds:_xml",
)
TYPES: tuple[str, ...] = (
    "AWS::RDS::DBProxy",
    "AWS::RDS::DBProxyEndpoint",
    "AWS::RDS::DBProxyTargetGroup",
)

FOLLOWED = (
    "RegisterDBProxyTargets",
    "DeregisterDBProxyTargets",
    "DeleteDBProxy",
    "DeleteDBProxyEndpoint",
)


def install(cloud: Cloud) -> None:
    actions, doors = rds._ACTION_MAP, proxy_doors.ProxyDoors(cloud)
    for thing in ("DBProxy", "DBProxyEndpoint"):
        actions[f"Create{thing}"] = _at_home(thing, actions[f"Create{thing}"], doors)
    for action in FOLLOWED:
        actions[action] = _followed(actions[action], doors)
    resource_types.register(TYPES[0], _create_proxy, _delete_proxy, _update_proxy)
    resource_types.register(TYPES[1], _create_endpoint, _delete_endpoint)
    resource_types.register(TYPES[2], _create_targets, _delete_targets, _update_targets)


def _at_home(thing: str, stock: Action, doors: ProxyDoors) -> Action:
    """As stock, but with an address where somebody listens."""

    def run(parameters: Parameters) -> Answer:
        answer = stock(parameters)
        if answer[0] != HTTPStatus.OK:
            return answer
        name = rds._p(parameters, f"{thing}Name")
        doors.place(endpoint := rds._db_proxy_endpoints[name])
        doors.follow()
        if thing == "DBProxy":
            rds._db_proxies[name]["Endpoint"] = endpoint["Endpoint"]
            inner = rds._db_proxy_xml(rds._db_proxies[name])
        else:
            inner = rds._db_proxy_endpoint_xml(endpoint)
        body = f"<Create{thing}Result><{thing}>{inner}</{thing}></Create{thing}Result>"
        made: Answer = rds._xml(HTTPStatus.OK, f"Create{thing}Response", body)
        return made

    return run


def _followed(stock: Action, doors: ProxyDoors) -> Action:
    def run(parameters: Parameters) -> Answer:
        answer = stock(parameters)
        doors.follow()
        return answer

    return run


def _create_proxy(_: str, properties: Properties, __: str) -> Created:
    made = gateway.call("rds", "CreateDBProxy", properties)["DBProxy"]
    return _proxy(made)


def _update_proxy(_: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
    fixed = ("DBProxyName", "EngineFamily", "VpcSubnetIds")
    if any(old.get(key) != new.get(key) for key in fixed):
        return _create_proxy(logical_id, new, stack)
    wanted = new | {"SecurityGroups": new.get("VpcSecurityGroupIds", [])}
    return _proxy(gateway.call("rds", "ModifyDBProxy", wanted)["DBProxy"])


def _proxy(record: dict[str, Any]) -> Created:
    attributes = {key: record[key] for key in ("DBProxyArn", "Endpoint", "VpcId")}
    return record["DBProxyName"], attributes


def _delete_proxy(name: str, _: Properties) -> None:
    gateway.call("rds", "DeleteDBProxy", {"DBProxyName": name})


def _create_endpoint(_: str, properties: Properties, __: str) -> Created:
    made = gateway.call("rds", "CreateDBProxyEndpoint", properties)["DBProxyEndpoint"]
    attributes = {
        key: made[key] for key in ("DBProxyEndpointArn", "Endpoint", "IsDefault", "VpcId")
    }
    return made["DBProxyEndpointName"], attributes


def _delete_endpoint(name: str, _: Properties) -> None:
    gateway.call("rds", "DeleteDBProxyEndpoint", {"DBProxyEndpointName": name})


def _create_targets(_: str, properties: Properties, __: str) -> Created:
    group = _group(properties)
    made = gateway.call("rds", "ModifyDBProxyTargetGroup", group | _pool(properties))
    clusters = properties.get("DBClusterIdentifiers", [])
    if clusters:
        gateway.call("rds", "RegisterDBProxyTargets", group | {"DBClusterIdentifiers": clusters})
    arn = made["DBProxyTargetGroup"]["TargetGroupArn"]
    return arn, {"TargetGroupArn": arn}


def _update_targets(
    arn: str, old: Properties, new: Properties, stack: str, logical_id: str
) -> Created:
    """In place as on AWS: only what the template names differently is registered anew."""
    if _group(old) != _group(new):
        return _create_targets(logical_id, new, stack)
    group = _group(new)
    gateway.call("rds", "ModifyDBProxyTargetGroup", group | _pool(new))
    before, after = (set(each.get("DBClusterIdentifiers", [])) for each in (old, new))
    for operation, names in (
        ("DeregisterDBProxyTargets", before - after),
        ("RegisterDBProxyTargets", after - before),
    ):
        if names:
            gateway.call("rds", operation, group | {"DBClusterIdentifiers": sorted(names)})
    return arn, {"TargetGroupArn": arn}


def _delete_targets(_: str, properties: Properties) -> None:
    group = _group(properties)
    targets = gateway.call("rds", "DescribeDBProxyTargets", group)["Targets"]
    names = [each["TrackedClusterId"] for each in targets]
    if names:
        gateway.call("rds", "DeregisterDBProxyTargets", group | {"DBClusterIdentifiers": names})


def _group(properties: Properties) -> Properties:
    return {key: properties[key] for key in ("DBProxyName", "TargetGroupName")}


def _pool(properties: Properties) -> Properties:
    pool = properties.get("ConnectionPoolConfigurationInfo")
    return {"ConnectionPoolConfig": pool} if pool else {}
