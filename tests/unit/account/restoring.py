"""The restore workflow as whoever begins it sees it: executions, the room's record, a cluster."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from recovery.restores import Restore
from tests.unit.account.answers import Paper
from tests.unit.account.condemned import cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.account.answers import Answers

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BEGAN = NOW.timestamp()
OLD, NEW = "cluster-OLD", "cluster-NEW"
COPY = "streamflix-aurora-dev-r1"


@dataclass
class Machine:
    """Step Functions, the room's record and RDS: what is begun runs through `states`, then ends."""

    answers: Answers
    states: list[str] = field(default_factory=lambda: ["Begin", "Restore"])
    status: str = "SUCCEEDED"
    error: str = ""
    begun: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    records: list[Restore] = field(default_factory=list)
    ends: Callable[[str], Restore] | None = None
    """What is on record under a run when it has ended."""
    now: datetime = NOW

    def __post_init__(self) -> None:
        told = self.answers
        told["stepfunctions.start_execution"] = self._start
        told["stepfunctions.describe_execution"] = self._describe
        told["stepfunctions.get_execution_history"] = self._history
        told["stepfunctions.list_executions"] = {"executions": []}
        told["dynamodb.query"] = self._query
        told["rds.describe_db_clusters"] = {
            "DBClusters": [cluster("streamflix-aurora-dev", DbClusterResourceId=OLD)]
        }

    def _start(self, **asked: Any) -> dict[str, Any]:
        self.machine, given = asked["stateMachineArn"], json.loads(asked["input"])
        self.begun.append((asked["name"], given))
        if self.ends:
            ended = self.ends(given.get("run", asked["name"]))
            self.records = [*(it for it in self.records if it.run != ended.run), ended]
        return {"executionArn": f"arn:{asked['name']}", "startDate": self.now}

    def _describe(self, **asked: Any) -> dict[str, Any]:
        status = "RUNNING" if self.states else self.status
        ended = {"error": self.error, "cause": "Why."} if self.error and not self.states else {}
        arn = {"executionArn": asked["executionArn"], "stateMachineArn": self.machine}
        return arn | {"status": status, "startDate": NOW} | ended

    def _history(self) -> dict[str, Any]:
        entered = {"stateEnteredEventDetails": {"name": self.states.pop(0)}}
        event = {"timestamp": self.now, "type": "TaskStateEntered", "id": 2}
        exited = {"timestamp": self.now, "type": "TaskStateExited", "id": 3}
        return {"events": [exited, event | entered]}

    def _query(self, **asked: Any) -> dict[str, Any]:
        kind = asked["ExpressionAttributeValues"][":kind"]["S"]
        found = self.records if kind == "restore" else []
        return {"Items": [{"record": {"S": json.dumps(asdict(each))}} for each in found]}

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Screen(Paper):
    """Keeps what is fleeting as well."""

    def __init__(self) -> None:
        super().__init__()
        self.fleeting: list[str] = []

    def progress(self, line: str) -> None:
        self.fleeting.append(line)


def restored(run: str, mode: str = "cutover", **changes: Any) -> Restore:
    return Restore(run, mode, BEGAN, COPY, replaced=OLD, replacement=NEW, **changes)


def nobody(_: str) -> str:
    raise AssertionError("nobody is to be asked")


def closed(_: str) -> str:
    """A terminal without a person."""
    raise EOFError
