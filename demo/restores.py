"""Executions of the restore workflow: a person begins one, follows it, and reads its record."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from demo.platform import Platform

LOOK_S: Final = 0.5
SUCCEEDED: Final = "SUCCEEDED"


class DoesNotEnd(Exception):
    """An execution takes longer than anybody waits for it; it goes on."""


@dataclass(frozen=True)
class Execution:
    name: str
    arn: str
    _workflow: Any

    @classmethod
    def begin(cls, platform: Platform, name: str, asked: Mapping[str, str]) -> Execution:
        workflow = platform.client("stepfunctions")
        machine = platform.outputs["RestoreStateMachineArn"]
        begun = workflow.start_execution(
            stateMachineArn=machine, name=name, input=json.dumps(asked)
        )
        return cls(name, begun["executionArn"], workflow)

    def follow(self, within_s: float, told: Callable[[Mapping[str, float]], None]) -> str:
        """How it ended; until then `told` hears again and again where it has been.

        Raises: `DoesNotEnd`.
        """
        deadline = time.monotonic() + within_s
        while (status := self._status()) == "RUNNING":
            if time.monotonic() > deadline:
                raise DoesNotEnd(f"{self.name} does not end: make incident")
            told(self.entered())
            time.sleep(LOOK_S)
        return status

    def entered(self) -> dict[str, float]:
        """Each state that it has been in, by the first moment there, in order."""
        events = self._workflow.get_execution_history(executionArn=self.arn, maxResults=1000)
        found: dict[str, float] = {}
        for event in events["events"]:
            if state := event.get("stateEnteredEventDetails"):
                found.setdefault(state["name"], event["timestamp"].timestamp())
        return found

    def _status(self) -> str:
        return str(self._workflow.describe_execution(executionArn=self.arn)["status"])


def record(platform: Platform, run: str) -> dict[str, Any]:
    """What the room has on record about a run; empty when it was refused before it began."""
    item = platform.client("dynamodb").get_item(
        TableName=platform.outputs["IncidentsTableName"],
        Key={"kind": {"S": "restore"}, "at": {"S": run}},
        ConsistentRead=True,
    )
    found: dict[str, Any] = json.loads(item["Item"]["record"]["S"]) if "Item" in item else {}
    return found


def unadopted(platform: Platform) -> dict[str, Any]:
    """The cutover that waits to be adopted; empty when none does."""
    pages = (
        platform.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=platform.outputs["IncidentsTableName"],
            KeyConditionExpression="kind = :kind",
            ExpressionAttributeValues={":kind": {"S": "restore"}},
            ConsistentRead=True,
        )
    )
    for page in pages:
        for item in page["Items"]:
            found: dict[str, Any] = json.loads(item["record"]["S"])
            if found["turned_at"] is not None and found["adopted_at"] is None:
                return found
    return {}
