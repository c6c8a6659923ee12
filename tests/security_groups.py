"""EC2's security groups, as far as the platform's own code calls them."""

from __future__ import annotations

import copy
from typing import Any

from botocore.exceptions import ClientError

GROUP = "sg-0a1b2c3d4e5f60718"
ANYWHERE = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
MEMBERS = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": GROUP, "UserId": "123456789012"}]}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "secret words"}}, "Operation")


class Ec2:
    """Remembers; shows what is out of date, or refuses, as often as it is told."""

    def __init__(self) -> None:
        self.groups = {GROUP: {"GroupName": "default", "in": [MEMBERS], "out": [ANYWHERE]}}
        self.shown: list[dict[str, Any]] = []
        self.refusals: list[Exception] = []

    def client(self, service: str) -> Ec2:
        assert service == "ec2"
        return self

    def describe_security_groups(self, *, GroupIds: list[str]) -> dict[str, Any]:  # noqa: N803
        if self.refusals:
            raise self.refusals.pop(0)
        if self.shown:
            return {"SecurityGroups": [self.shown.pop(0)]}
        (name,) = GroupIds
        if name not in self.groups:
            raise refusal("InvalidGroup.NotFound")
        return {"SecurityGroups": [self.view(name)]}

    def view(self, name: str = GROUP) -> dict[str, Any]:
        group = copy.deepcopy(self.groups[name])
        return {
            "GroupName": group["GroupName"],
            "IpPermissions": group["in"],
            "IpPermissionsEgress": group["out"],
        }

    def revoke_security_group_ingress(self, *, GroupId: str, IpPermissions: Any) -> None:  # noqa: N803
        self._revoke(GroupId, "in", IpPermissions)

    def revoke_security_group_egress(self, *, GroupId: str, IpPermissions: Any) -> None:  # noqa: N803
        self._revoke(GroupId, "out", IpPermissions)

    def _revoke(self, name: str, way: str, rules: Any) -> None:
        there: Any = self.groups[name][way]
        if [rule for rule in rules if rule not in there]:
            raise refusal("InvalidPermission.NotFound")
        self.groups[name][way] = [rule for rule in there if rule not in rules]

    def rules(self) -> list[Any]:
        return [*self.groups[GROUP]["in"], *self.groups[GROUP]["out"]]
