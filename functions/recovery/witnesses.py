"""AWS's events as witnesses: from EventBridge, and from ElastiCache's own list. Pure but for one.

Kept: when, which resource, which kind, and AWS's own words, which name resources.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from recovery.errors import BadTask
from recovery.incident import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ELASTICACHE_MINUTES = 10
LONGEST_MESSAGE = 300


def of_event(event: Mapping[str, Any]) -> Witness:
    """An event from EventBridge. Raises: `BadTask` when it is none of AWS's that we know."""
    source, kind = str(event.get("source")), str(event.get("detail-type"))
    reader = _READERS.get(source)
    if reader is None:
        raise BadTask(f"an event of {source!r}")
    detail = event["detail"]
    subject, number, message = reader(detail, kind)
    at = str(detail.get("Date") or event["time"])
    return Witness(
        at=datetime.fromisoformat(at).timestamp(),
        service=source.removeprefix("aws."),
        subject=subject,
        number=number,
        message=message[:LONGEST_MESSAGE],
    )


def of_elasticache(client: Any, group: str) -> Iterator[Witness]:
    """The replication group's events of the last minutes, and its nodes'."""
    for source_type in ("replication-group", "cache-cluster"):
        answer = client.describe_events(SourceType=source_type, Duration=ELASTICACHE_MINUTES)
        for event in answer["Events"]:
            subject = str(event["SourceIdentifier"])
            if subject == group or subject.startswith(f"{group}-"):
                moment = event["Date"]
                at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
                message = str(event["Message"])[:LONGEST_MESSAGE]
                yield Witness(at, "elasticache", subject, source_type, message)


def _rds(detail: Mapping[str, Any], kind: str) -> tuple[str, str, str]:
    return str(detail["SourceIdentifier"]), str(detail.get("EventID", kind)), str(detail["Message"])


def _ecs(detail: Mapping[str, Any], kind: str) -> tuple[str, str, str]:
    if kind == "ECS Task State Change":
        subject = str(detail["taskArn"]).rpartition("/")[2]
        words = detail.get("stoppedReason") or detail.get("stopCode") or detail["lastStatus"]
        return subject, str(detail.get("stopCode") or kind), f"task stopped: {words}"
    return str(detail.get("clusterArn", "")).rpartition("/")[2], kind, str(detail["eventName"])


def _backup(detail: Mapping[str, Any], kind: str) -> tuple[str, str, str]:
    subject = str(detail.get("resourceType") or detail.get("backupVaultName") or "")
    state = str(detail.get("state") or detail.get("status"))
    return subject, kind, f"{kind}: {state}"


_READERS: Mapping[str, Callable[[Mapping[str, Any], str], tuple[str, str, str]]] = {
    "aws.rds": _rds,
    "aws.ecs": _ecs,
    "aws.backup": _backup,
}
