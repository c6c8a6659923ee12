"""Gap: the default security group of a stack's VPC does not admit its own members.

On AWS it does, with one rule that lets everything in from the group itself. MiniStack makes the
group with the rule for what goes out alone, so nobody could tell whether both were taken away.

Test: tests/contract/local/test_vpc_default_group.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id
from ministack.services import ec2
from ministack.services.cloudformation import provisioners

if TYPE_CHECKING:
    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS",
    "ministack.services.cloudformation.provisioners:_ec2_vpc_create",
    "ministack.services.ec2:_security_groups",
)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    before = provisioners._ec2_vpc_create

    def create(
        logical_id: str, properties: dict[str, Any], stack: str
    ) -> tuple[str, dict[str, Any]]:
        identity, attributes = before(logical_id, properties, stack)
        _admit_members(attributes["DefaultSecurityGroup"])
        return identity, attributes

    provisioners._ec2_vpc_create = create  # an update that replaces calls it by this name
    provisioners._RESOURCE_HANDLERS["AWS::EC2::VPC"]["create"] = create


def _admit_members(group: str) -> None:
    ec2._security_groups[group]["IpPermissions"] = [
        {
            "IpProtocol": "-1",
            "IpRanges": [],
            "Ipv6Ranges": [],
            "PrefixListIds": [],
            "UserIdGroupPairs": [{"GroupId": group, "UserId": get_account_id()}],
        }
    ]
