"""The default security group of a VPC, which AWS creates with rules that let its wearers talk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from network.errors import GroupStaysOpen, NoDefaultGroup
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamflix.deadline import Deadline

GIVE_UP_AT = 0.2  # share of the function's time that is left
PAUSE_SECONDS = 2.0  # EC2 may still show for a moment what was just taken away


def close(
    group_id: str,
    deadline: Deadline,
    waits: Callable[[GroupStaysOpen], None],
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Take every rule out of this group, in and out; return how many there were.

    Looks again until it finds none. Safe to repeat: a closed group is left alone.
    Raises: `NoDefaultGroup`, before anything is changed; `GroupStaysOpen` when the time is up.
    """
    found = 0
    while True:
        try:
            if not (rules := _taken_out(group_id)):
                return found
            found = max(found, rules)
            error = GroupStaysOpen(f"{group_id} still has {rules} rules")
        except GroupStaysOpen as still_open:
            error = still_open
        if deadline.seconds_until(GIVE_UP_AT) < PAUSE_SECONDS:
            raise error
        waits(error)
        sleep(PAUSE_SECONDS)


def _taken_out(group_id: str) -> int:
    """Ask for every rule that can be seen to be taken out, and say how many these are."""
    ec2 = aws.client("ec2")
    try:
        groups = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
        group = _only_default(groups, group_id)
        ingress, egress = group["IpPermissions"], group["IpPermissionsEgress"]
        if ingress:
            ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=ingress)
        if egress:
            ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=egress)
    except (ClientError, BotoCoreError) as error:
        code = aws.reason(error)
        if code in {"InvalidGroup.NotFound", "InvalidGroupId.Malformed"}:
            raise NoDefaultGroup(f"EC2 knows no security group {group_id} ({code})") from None
        if code == "InvalidPermission.NotFound":  # shown, and gone already: look again
            raise GroupStaysOpen(f"{group_id} is changing while we look") from None
        raise GroupStaysOpen(f"{group_id}: {code}") from None
    return len(ingress) + len(egress)


def _only_default(groups: list[dict[str, Any]], group_id: str) -> dict[str, Any]:
    if [group["GroupName"] for group in groups] != ["default"]:
        raise NoDefaultGroup(f"{group_id} is not the default group of its VPC")
    return groups[0]
