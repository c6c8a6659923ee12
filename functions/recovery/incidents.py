"""The record of incidents in DynamoDB: outside of Aurora, which is what they are about.

Items under `kind` and `at`, each with a `record` in JSON:
  incident  the moment it began: one incident; `stage` is how far it is on record
  witness   moment, number and subject of an event of AWS
  state     `probe`: the last beat, and the incident it is in; `monitor`: what was breached
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from recovery.errors import RecordUnreachable
from recovery.incident import Incident, Witness, stamp
from recovery.pulse import Pulse
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Auditors ask for a year.
KEPT_SECONDS = 400 * 86_400
WITNESS_SECONDS = 7 * 86_400
# Who has not been watching for so long does not know when writes began to fail.
UNWATCHED_SECONDS = 150.0

PROBE = ("state", "probe")
MONITOR = ("state", "monitor")
CONDITION_FAILED = "ConditionalCheckFailedException"


class Incidents:
    """Raises everywhere: `RecordUnreachable`. Safe to repeat, and to use by two at once."""

    def __init__(self, table: str, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def pulse(self) -> Pulse:
        """What the last probe knew when it ended."""
        known = self._get(*PROBE)
        if known is None:
            return Pulse()
        incident = self._get("incident", known["incident"]) if known["incident"] else None
        failing = Incident(**incident) if incident else None
        if failing and failing.first_write_at is not None:
            failing = None  # a probe beside that one has seen its end
        watched = known["last_at"] > self._clock() - UNWATCHED_SECONDS
        last_at = known["last_at"] if watched or failing else None
        return Pulse(last_at, known["last_number"], failing)

    def keep(self, pulse: Pulse) -> None:
        """Leave to the next probe what this one knows."""
        incident = pulse.incident.name if pulse.incident else ""
        self._put(
            *PROBE,
            {
                "last_at": pulse.last_at or 0.0,
                "last_number": pulse.last_number,
                "incident": incident,
            },
        )

    def record(self, incident: Incident) -> bool:
        """Put an incident, or more about it. False when it is on record as that far already."""
        stage = (incident.first_write_at is not None) + incident.is_over
        try:
            self._put(
                "incident",
                incident.name,
                asdict(incident),
                KEPT_SECONDS,
                stage={"N": str(stage)},
            )
        except _OnRecordError:
            return False
        return True

    def recent(self, since: float) -> list[Incident]:
        """Those that began since then, the oldest first."""
        return [Incident(**record) for record in self._query("incident", since)]

    def witness(self, witness: Witness) -> None:
        """Put an event of AWS. One that arrives twice is one."""
        at = f"{stamp(witness.at)}#{witness.number}#{witness.subject}"
        self._put("witness", at, asdict(witness), WITNESS_SECONDS)

    def witnesses(self, since: float) -> list[Witness]:
        """What AWS said since then, in order."""
        return [Witness(**record) for record in self._query("witness", since)]

    def breached(self) -> list[str]:
        """What the monitor found breached when it last looked."""
        return list((self._get(*MONITOR) or {}).get("breached", []))

    def keep_breached(self, breached: list[str]) -> None:
        self._put(*MONITOR, {"breached": breached, "looked_at": stamp(self._clock())})

    def _get(self, kind: str, at: str) -> dict[str, Any] | None:
        key = {"kind": {"S": kind}, "at": {"S": at}}
        answer = self._call("get_item", Key=key, ConsistentRead=True)
        return json.loads(answer["Item"]["record"]["S"]) if "Item" in answer else None

    def _put(
        self,
        kind: str,
        at: str,
        record: Mapping[str, Any],
        kept_seconds: float = 0,
        stage: Mapping[str, str] | None = None,
    ) -> None:
        item: dict[str, Any] = {
            "kind": {"S": kind},
            "at": {"S": at},
            "record": {"S": json.dumps(record, sort_keys=True)},
        }
        if kept_seconds:
            item["expires_at"] = {"N": str(int(self._clock() + kept_seconds))}
        further: dict[str, Any] = {}
        if stage:
            item["stage"] = stage
            further = {
                "ConditionExpression": "attribute_not_exists(stage) OR stage < :stage",
                "ExpressionAttributeValues": {":stage": stage},
            }
        self._call("put_item", Item=item, **further)

    def _query(self, kind: str, since: float) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            answer = self._call(
                "query",
                KeyConditionExpression="kind = :kind AND #at >= :since",
                ExpressionAttributeNames={"#at": "at"},
                ExpressionAttributeValues={":kind": {"S": kind}, ":since": {"S": stamp(since)}},
                ConsistentRead=True,
                **start,
            )
            found += [json.loads(item["record"]["S"]) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return found
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _call(self, name: str, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(aws.client("dynamodb"), name)(TableName=self._table, **arguments)
        except (BotoCoreError, ClientError) as error:
            reason = aws.reason(error)
            if reason == CONDITION_FAILED:
                raise _OnRecordError from None
            raise RecordUnreachable(reason) from None


class _OnRecordError(Exception):
    """Somebody has put as much, or more."""
