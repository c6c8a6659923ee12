"""How far CloudFormation is, in one line, while something else waits for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from account import tree

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW_KINDS = {
    "AWS::RDS::DBCluster": "a database takes 5 to 15 minutes",
    "AWS::RDS::DBInstance": "a database takes 5 to 15 minutes",
    "AWS::RDS::DBProxy": "a proxy takes some minutes",
    "AWS::ElastiCache::ReplicationGroup": "Redis takes 10 to 20 minutes",
    "AWS::ECS::Service": "tasks must become healthy",
    "AWS::EC2::NatGateway": "a gateway takes some minutes",
}
SLOW_DELETES = {
    "AWS::Lambda::Function": "a function's network interfaces take 20 to 40 minutes",
    "AWS::EC2::SecurityGroup": "waits for a function's network interfaces, 20 to 40 minutes",
    "AWS::EC2::Subnet": "waits for a function's network interfaces, 20 to 40 minutes",
}


@dataclass
class Watch:
    """Looks at a stack's tree; remembers nested stacks that are at rest."""

    cloudformation: Any
    stack: str
    now: Callable[[], float] = time.monotonic
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.now()

    def line(self) -> str:
        """`12 resources there · Data/Aurora/InstanceB CREATE_IN_PROGRESS (…) · 3 min`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            seen = list(tree.resources(self.cloudformation, self.stack))
        except (BotoCoreError, ClientError):
            return f"waiting for CloudFormation · {self._minutes()}"
        leaves = [each for each in seen if each.kind != tree.STACK]
        busy = [each for each in leaves if each.status.endswith("_IN_PROGRESS")]
        rest = len([each for each in leaves if each.status.endswith("_COMPLETE")])
        gone = len([each for each in leaves if each.status == "DELETE_COMPLETE"])
        deleting = any(each.status.startswith("DELETE_") for each in busy)
        # No total: nested stacks come one after the other, and it would grow while one reads.
        done, verb = (gone, "gone") if deleting or gone > rest / 2 else (rest, "there")
        parts = [f"{done} resources {verb}", *_busiest(busy), self._minutes()]
        return " · ".join(parts)

    def _minutes(self) -> str:
        seconds = int(self.now() - self.started)
        return f"{seconds // 60}:{seconds % 60:02d} min"


def _busiest(busy: list[tree.Resource]) -> list[str]:
    """The one that takes longest, and how many more."""
    if not busy:
        return []
    slow = [each for each in busy if _patience(each)]
    one = (slow or busy)[0]
    why = f" ({_patience(one)})" if _patience(one) else ""
    more = f" and {len(busy) - 1} more" if len(busy) > 1 else ""
    return [f"{one.path} {one.status.lower().replace('_', ' ')}{why}{more}"]


def _patience(resource: tree.Resource) -> str:
    kinds = SLOW_DELETES if resource.status.startswith("DELETE") else SLOW_KINDS
    return kinds.get(resource.kind, "")
