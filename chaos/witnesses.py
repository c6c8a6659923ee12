"""What the platform itself knows about the fault: its record of incidents, and RDS's events."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from chaos.timeline import Timeline
    from demo.platform import Platform

EARLIER_S: Final = 5.0
"""An incident begins with the last write that was acknowledged, shortly before the fault."""
EVENTS_MINUTES: Final = 15
MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Incident:
    """As the write probe and the monitor put it on record; moments in seconds since 1970."""

    name: str
    detected_at: float
    first_write_at: float | None
    lost_beats: int
    recovered_at: float | None
    cause: str


class Witnesses:
    def __init__(self, platform: Platform) -> None:
        self._dynamodb, self._rds = platform.client("dynamodb"), platform.client("rds")
        self._cloudwatch = platform.client("cloudwatch")
        self._table = platform.outputs["IncidentsTableName"]
        self._consumer = platform.outputs["AnalyticsFunctionName"]

    def incident(self, fault: float) -> Incident | None:
        """The one that the fault began, as far as it is on record now."""
        answer = self._dynamodb.query(
            TableName=self._table,
            KeyConditionExpression="kind = :kind AND #at >= :since",
            ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues={
                ":kind": {"S": "incident"},
                ":since": {"S": _stamp(fault - EARLIER_S)},
            },
            ConsistentRead=True,
        )
        for item in answer["Items"]:
            return _incident(item["at"]["S"], json.loads(item["record"]["S"]))
        return None

    def consumer_failed(self, fault: float) -> bool:
        """Whether an invocation of the stream's consumer failed since the fault's minute began."""
        answer = self._cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[{"Name": "FunctionName", "Value": self._consumer}],
            StartTime=datetime.fromtimestamp(fault - fault % MINUTE_S, UTC),
            EndTime=datetime.now(UTC) + timedelta(seconds=MINUTE_S),
            Period=MINUTE_S,
            Statistics=["Sum"],
        )
        return any(point["Sum"] > 0 for point in answer["Datapoints"])

    def note_events(self, fault: float, timeline: Timeline) -> None:
        """RDS's events since the fault; it tells them to the second, rounded down."""
        answer = self._rds.describe_events(Duration=EVENTS_MINUTES)
        for event in answer["Events"]:
            at = event["Date"].timestamp()
            if at >= fault - 1:
                timeline.note(at, f"RDS {event['SourceIdentifier']}: {event['Message']}")


def note(incident: Incident, timeline: Timeline) -> None:
    timeline.note(incident.detected_at, "the write probe notices")
    if incident.first_write_at is not None:
        timeline.note(incident.first_write_at, "the write probe writes again")
        if incident.lost_beats:
            words = f"of its own writes, one each second, {incident.lost_beats} are gone"
            timeline.note(incident.first_write_at, words)
    if incident.recovered_at is not None:
        timeline.note(incident.recovered_at, f"incident concluded: {incident.cause}")


def _incident(name: str, record: dict[str, Any]) -> Incident:
    known = {field: record[field] for field in Incident.__slots__ if field != "name"}
    return Incident(name, **known)


def _stamp(moment: float) -> str:
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
