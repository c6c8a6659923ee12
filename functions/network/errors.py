"""What can go wrong with the network's housekeeping, in an operator's words."""

from __future__ import annotations

from streamflix.errors import Permanent, Retryable


class NoDefaultGroup(Permanent):
    """The template names a security group that is not a VPC's default one, or is not there. Nothing
    was changed. Give it the default group of the VPC and deploy again."""


class GroupStaysOpen(Retryable):
    """EC2 did not let us read the default security group, or not take a rule out of it. Nobody
    wears it, so nothing is reachable by it today. Look at the role's grants, then deploy again."""
