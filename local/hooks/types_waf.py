"""Gap: CloudFormation knows neither the association of a firewall nor its logging.

MiniStack's WAF has associations; the handler here calls it. It has no logging: that is recorded,
not acted on. No rule is ever evaluated on the laptop.

Test: tests/contract/local/test_types_waf.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local import gateway, resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

ASSOCIATION = "AWS::WAFv2::WebACLAssociation"
LOGGING = "AWS::WAFv2::LoggingConfiguration"
PATCHES = resource_types.PATCHES
TYPES: tuple[str, ...] = (ASSOCIATION, LOGGING)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register(ASSOCIATION, _associate, _disassociate)
    resource_types.register(LOGGING, _log, _log_no_more, _log_otherwise)


def _associate(_: str, properties: Properties, __: str) -> Created:
    gateway.call("wafv2", "AssociateWebACL", properties)
    return f"{properties['WebACLArn']}|{properties['ResourceArn']}", {}


def _disassociate(identity: str, properties: Properties) -> None:
    """Unless another association has taken its place."""
    acl, _, resource = identity.partition("|")
    held = gateway.call("wafv2", "ListResourcesForWebACL", {"WebACLArn": acl})["ResourceArns"]
    if resource in held:
        gateway.call("wafv2", "DisassociateWebACL", {"ResourceArn": properties["ResourceArn"]})


def _log(_: str, properties: Properties, __: str) -> Created:
    (destination,) = properties["LogDestinationConfigs"]
    group = destination.partition(":log-group:")[2]
    if not group.startswith("aws-waf-logs-") or group.endswith(":*"):
        raise ValueError(
            f"Error reason: The ARN isn't valid, field: LOG_DESTINATION: {destination}"
        )
    return properties["ResourceArn"], {"ManagedByFirewallManager": False}


def _log_otherwise(_: str, __: Properties, new: Properties, stack: str, logical_id: str) -> Created:
    return _log(logical_id, new, stack)


def _log_no_more(_: str, __: Properties) -> None:
    """Nothing was made."""
