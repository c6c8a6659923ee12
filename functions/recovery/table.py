"""The room's table in DynamoDB: outside of Aurora, which is what it is about.

Items under `kind` and `at`, each with a `record` in JSON; `stage` is how far it is on record, and
nobody puts less over more.
  incident  the moment it began: one incident
  witness   moment, number and subject of an event of AWS
  restore   the run: one drill or cutover
  state     `probe`: the last beat, and the incident it is in; `monitor`: what was breached
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from recovery.errors import RecordUnreachable
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONDITION_FAILED = "ConditionalCheckFailedException"


class Table:
    """Raises everywhere: `RecordUnreachable`. Safe to repeat, and to use by two at once."""

    def __init__(self, name: str, clock: Callable[[], float] = time.time) -> None:
        self._name = name
        self.clock = clock

    def get(self, kind: str, at: str) -> dict[str, Any] | None:
        key = {"kind": {"S": kind}, "at": {"S": at}}
        answer = self._call("get_item", Key=key, ConsistentRead=True)
        return json.loads(answer["Item"]["record"]["S"]) if "Item" in answer else None

    def put(
        self,
        kind: str,
        at: str,
        record: Mapping[str, Any],
        *,
        kept_seconds: float = 0,
        stage: int | None = None,
        seen: int | None = None,
    ) -> bool:
        """False when somebody has put this stage, or a later one; or a later one than was seen."""
        item: dict[str, Any] = {
            "kind": {"S": kind},
            "at": {"S": at},
            "record": {"S": json.dumps(record, sort_keys=True)},
        }
        if kept_seconds:
            item["expires_at"] = {"N": str(int(self.clock() + kept_seconds))}
        further: dict[str, Any] = {}
        if stage is not None:
            item["stage"] = {"N": str(stage)}
            last = stage - 1 if seen is None else min(seen, stage - 1)
            further = {
                "ConditionExpression": "attribute_not_exists(stage) OR stage <= :last",
                "ExpressionAttributeValues": {":last": {"N": str(last)}},
            }
        try:
            self._call("put_item", Item=item, **further)
        except _OnRecordError:
            return False
        return True

    def since(self, kind: str, at: str) -> list[dict[str, Any]]:
        """Everything of a kind from there on, in order."""
        found: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            answer = self._call(
                "query",
                KeyConditionExpression="kind = :kind AND #at >= :since",
                ExpressionAttributeNames={"#at": "at"},
                ExpressionAttributeValues={":kind": {"S": kind}, ":since": {"S": at}},
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
            return getattr(aws.client("dynamodb"), name)(TableName=self._name, **arguments)
        except (BotoCoreError, ClientError) as error:
            reason = aws.reason(error)
            if reason == CONDITION_FAILED:
                raise _OnRecordError from None
            raise RecordUnreachable(reason) from None


class _OnRecordError(Exception):
    """Somebody has put as much, or more."""
