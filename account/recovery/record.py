"""What the recovery room has on record. Read only."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from account.recovery.words import moment, stamp
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from account.guard import Account

T = TypeVar("T")

# AWS's events bear times from before the first failed write, and come late.
AROUND = timedelta(seconds=90)
LOOKS = timedelta(hours=3)
# Sorts before every name of a restore.
ANY = " "


@dataclass(frozen=True, slots=True)
class Incident:
    """As functions/recovery/incident.py writes it, as far as it is shown."""

    started_at: float
    reason: str
    first_write_at: float | None
    lost_beats: int
    promoted_at: float | None
    recovered_at: float | None
    cause: str

    @property
    def state(self) -> str:
        if self.first_write_at is None:
            return "OPEN"
        return "writes work" if self.recovered_at is None else "over"


@dataclass(frozen=True, slots=True)
class Witness:
    """What AWS said."""

    at: float
    service: str
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Restore:
    """As functions/recovery/restores.py writes it: a drill, or a restore in earnest."""

    run: str
    mode: str
    started_at: float
    target_at: float | None
    """Nothing means as late as possible."""
    outcome: str
    """Empty while it runs."""
    reason: str
    rto_seconds: float | None
    rpo_seconds: float | None
    accounts_erased: int | None
    copy: str = ""
    """The restored cluster's name, until it is adopted."""
    replaced: str = ""
    """Resource id of the cluster that a cutover replaces; the rest is a cutover's as well."""
    replacement: str = ""
    turned_at: float | None = None
    complete_at: float | None = None
    adopted_at: float | None = None

    @property
    def waits_for_adoption(self) -> bool:
        return self.turned_at is not None and self.adopted_at is None


@dataclass(frozen=True, slots=True)
class Look:
    """When the monitor last looked, as far as anybody knows, and what was breached then."""

    at: datetime | None
    breached: tuple[str, ...]


class Record:
    """Raises everywhere: `Refusal` when there is no table or it is of another age; AWS's errors."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._table = f"streamflix-incidents-{account.environment}"

    def incidents(self, since: datetime) -> list[Incident]:
        """Those that began since then, the newest first."""
        found = [self._read(Incident, each) for each in self._query("incident", stamp(since))]
        return sorted(found, key=lambda each: each.started_at, reverse=True)

    def witnesses(self, incident: Incident) -> list[Witness]:
        """What AWS said around an incident, in order."""
        begin = moment(incident.started_at) - AROUND
        said = [self._read(Witness, each) for each in self._query("witness", stamp(begin))]
        if incident.first_write_at is None:
            return said
        end = incident.first_write_at + AROUND.total_seconds()
        return [each for each in said if each.at <= end]

    def restores(self) -> list[Restore]:
        """All, the newest first."""
        found = [self._read(Restore, each) for each in self._query("restore", ANY)]
        return sorted(found, key=lambda each: each.started_at, reverse=True)

    def waiting(self) -> Restore | None:
        """The cutover that took over and was not adopted."""
        return next((each for each in self.restores() if each.waits_for_adoption), None)

    def look(self, now: datetime) -> Look:
        """The monitor writes down what is breached when that changes; that it looks shows in the
        metric that it publishes each time, to the minute."""
        state = self._state("monitor")
        moments = self._published(now)
        if "looked_at" in state:
            moments.append(moment(state["looked_at"]))
        return Look(max(moments, default=None), tuple(state.get("breached", ())))

    def _published(self, now: datetime) -> list[datetime]:
        points = self._account.client("cloudwatch").get_metric_statistics(
            Namespace="StreamFlix/Ops",
            MetricName="RecoveryChecksBreached",
            Dimensions=[{"Name": "Environment", "Value": self._account.environment}],
            StartTime=now - LOOKS,
            EndTime=now,
            Period=60,
            Statistics=["SampleCount"],
        )["Datapoints"]
        # A point bears the beginning of its minute.
        return [min(now, each["Timestamp"] + timedelta(minutes=1)) for each in points]

    def _state(self, name: str) -> dict[str, Any]:
        dynamodb = self._account.client("dynamodb")
        key = {"kind": {"S": "state"}, "at": {"S": name}}
        try:
            answer = dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        except dynamodb.exceptions.ResourceNotFoundException:
            raise self._no_table() from None
        return _parsed(answer["Item"]) if "Item" in answer else {}

    def _query(self, kind: str, since: str) -> Iterator[dict[str, Any]]:
        dynamodb = self._account.client("dynamodb")
        pages = dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="kind = :kind AND #at >= :since",
            ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues={":kind": {"S": kind}, ":since": {"S": since}},
            ConsistentRead=True,
        )
        try:
            for page in pages:
                yield from (_parsed(item) for item in page["Items"])
        except dynamodb.exceptions.ResourceNotFoundException:
            raise self._no_table() from None

    def _read(self, cls: type[T], record: dict[str, Any]) -> T:
        known = {each.name for each in fields(cls)}  # type: ignore[arg-type]
        try:
            return cls(**{name: value for name, value in record.items() if name in known})
        except TypeError:
            raise Refusal(
                f"{self._table} holds a record in another form than this checkout reads: "
                f"make deploy ENV={self._account.environment}."
            ) from None

    def _no_table(self) -> Refusal:
        environment = self._account.environment
        return Refusal(
            f"There is no table {self._table}: make deploy ENV={environment} comes first."
        )


def _parsed(item: dict[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(item["record"]["S"])
    return record
