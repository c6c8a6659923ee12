"""The ledger of requests in DynamoDB: outside Aurora, because a restore would roll it back.

One table, four kinds of items under `id`:
  request#<uuid>   `what` = state, event#<sequence>, receipt
  identity#<hmac>, subject#<hmac>   `what` = open: which request holds a person while it is open
  restore#<run>    `what` = receipt: which erasures were repeated in a restored copy
  key              `what` = subjects: what subjects and tombstones are made with, wrapped by KMS
Each move of a request is one transaction: the state with its next version, and the event.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from privacy import audit, record, states
from privacy.errors import (
    AlreadyOpen,
    IllegalMove,
    LedgerUnreachable,
    MovedMeanwhile,
    UnknownRequest,
)
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from privacy.record import Erasure, Item, Record
    from privacy.states import State

OPEN_INDEX = "open"
CANCELLED = "TransactionCanceledException"
CONFLICT = "ConditionalCheckFailed"
BUSY = "TransactionConflict"


class Ledger:
    """Raises everywhere: `LedgerUnreachable`. Safe to repeat."""

    def __init__(
        self, table: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._table = table
        self._clock = clock

    def receive(self, known: Record, detail: Mapping[str, str]) -> Record:
        """Put a request with its first event and its locks, all or nothing.

        Raises: `AlreadyOpen`; `MovedMeanwhile` when the same request was put between the caller's
        look and this.
        """
        begun = replace(known, last_hash=audit.BEGINNING)
        first, event = self._next(begun, "received", detail)
        puts = [
            self._put(record.state_item(first), "attribute_not_exists(id)"),
            self._put(record.event_item(known.request, event), "attribute_not_exists(id)"),
            *(
                self._put(record.lock_item(lock, known.request), "attribute_not_exists(id)")
                for lock in known.locks
            ),
        ]
        reasons = self._transact(puts)
        if not reasons:
            return first
        if reasons[0] == CONFLICT or BUSY in reasons:
            raise MovedMeanwhile("received a moment ago")
        for lock, reason in zip(known.locks, reasons[2:], strict=True):
            if reason == CONFLICT:
                raise AlreadyOpen(str(self.holder(lock) or "a request that was just closed"))
        raise LedgerUnreachable(f"not put: {', '.join(reasons)}")

    def read(self, request: UUID) -> Record:
        """Raises: `UnknownRequest`."""
        item = self._get(f"request#{request}", "state")
        if item is None:
            raise UnknownRequest(str(request))
        return record.from_item(item)

    def move(
        self,
        known: Record,
        target: State,
        detail: Mapping[str, str | int] | None = None,
        locks: Sequence[str] = (),
        **changes: Any,
    ) -> Record:
        """Move a request to its next state, if it still is where `known` says.

        `locks` are taken in the same transaction. A request that is closed frees all of its own.
        Raises: `IllegalMove`, `MovedMeanwhile`, `AlreadyOpen`.
        """
        states.check(known.state, target)
        return self._change(known, target, target, detail or {}, locks, changes)

    def send_back(self, known: Record, restore: str) -> Record:
        """Take a request back to the fence, because a restore has undone what came after it.

        Raises: `IllegalMove`, `MovedMeanwhile`.
        """
        if known.state not in states.REPLAYED:
            raise IllegalMove(f"a replay takes nobody back from {known.state}")
        detail, target = {"restore": restore, "from": known.state}, states.REPLAYED[known.state]
        return self._change(known, target, "replayed", detail, (), {"verified_at": ""})

    def note(
        self, known: Record, what: str, detail: Mapping[str, str | int], **changes: Any
    ) -> Record:
        """Put an event on record without a move. Raises: `MovedMeanwhile`."""
        return self._change(known, known.state, what, detail, (), changes)

    def holder(self, lock: str) -> UUID | None:
        """Which open request holds a person."""
        item = self._get(lock, "open")
        return UUID(item["request"]["S"]) if item else None

    def events(self, request: UUID) -> list[audit.Event]:
        """The history, in order."""
        answer = self._call(
            "query",
            KeyConditionExpression="id = :id AND begins_with(what, :event)",
            ExpressionAttributeValues={
                ":id": {"S": f"request#{request}"},
                ":event": {"S": "event#"},
            },
            ConsistentRead=True,
        )
        return [json.loads(item["event"]["S"]) for item in answer["Items"]]

    def receipt(self, request: UUID) -> str | None:
        """The signed receipt, as it was put."""
        return self._receipt(f"request#{request}")

    def put_receipt(self, request: UUID, receipt: str) -> str:
        """Put the receipt unless there is one; return the one that stays."""
        return self._put_receipt(f"request#{request}", receipt)

    def put_replay(self, restore: str, receipt: str) -> str:
        """Put the receipt of a replay unless there is one; return the one that stays."""
        return self._put_receipt(f"restore#{restore}", receipt)

    def subjects_key(self) -> bytes | None:
        """The environment's key, wrapped."""
        item = self._get("key", "subjects")
        return bytes(item["wrapped"]["B"]) if item else None

    def put_subjects_key(self, wrapped: bytes) -> None:
        """Put the environment's key unless there is one."""
        self._put_once({"id": {"S": "key"}, "what": {"S": "subjects"}, "wrapped": {"B": wrapped}})

    def erasures(self) -> list[Erasure]:
        """Every request that was fenced, whatever became of it: the whole table is read."""
        beyond = {f":{state}": {"S": state} for state in states.BEYOND_THE_FENCE}
        found: list[Erasure] = []
        start: Item = {}
        while True:
            answer = self._call(
                "scan",
                FilterExpression=f"what = :what AND #state IN ({', '.join(beyond)})",
                ProjectionExpression="id, #state, subject, marks",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={":what": {"S": "state"}, **beyond},
                ConsistentRead=True,
                **start,
            )
            found += [record.erasure_from(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return found
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def open_requests(self) -> list[Record]:
        """Every request that is not done, the oldest first. A moment behind."""
        found: list[Record] = []
        start: Item = {}
        while True:
            answer = self._call(
                "query",
                IndexName=OPEN_INDEX,
                KeyConditionExpression="#open = :yes",
                ExpressionAttributeNames={"#open": "open"},
                ExpressionAttributeValues={":yes": {"S": "yes"}},
                **start,
            )
            found += [record.from_item(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return found
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _change(
        self,
        known: Record,
        state: State,
        what: str,
        detail: Mapping[str, str | int],
        locks: Sequence[str],
        changes: Mapping[str, Any],
    ) -> Record:
        moved = replace(known, state=state, locks=(*known.locks, *locks), **changes)
        moved, event = self._next(moved, what, detail)
        writes = [
            self._put(
                record.state_item(moved),
                "#version = :version",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={":version": {"N": str(known.version)}},
            ),
            self._put(record.event_item(known.request, event), "attribute_not_exists(id)"),
            *(
                self._put(record.lock_item(lock, known.request), "attribute_not_exists(id)")
                for lock in locks
            ),
        ]
        if not states.is_open(state):
            writes += [self._free(lock) for lock in known.locks]
        reasons = self._transact(writes)
        if not reasons:
            return moved
        for lock, reason in zip(locks, reasons[2:], strict=False):
            if reason == CONFLICT and CONFLICT not in reasons[:2]:
                raise AlreadyOpen(str(self.holder(lock) or "a request that was just closed"))
        raise MovedMeanwhile(f"{what}: {', '.join(sorted({r for r in reasons if r != 'None'}))}")

    def _next(
        self, known: Record, what: str, detail: Mapping[str, str | int]
    ) -> tuple[Record, audit.Event]:
        event = audit.event(
            known.last_hash, known.version + 1, record.instant(self._clock()), what, detail
        )
        return replace(known, version=event["sequence"], last_hash=event["hash"]), event

    def _put(self, item: Item, condition: str, **names: Any) -> Item:
        return {
            "Put": {
                "TableName": self._table,
                "Item": item,
                "ConditionExpression": condition,
                **names,
            }
        }

    def _free(self, lock: str) -> Item:
        return {
            "Delete": {"TableName": self._table, "Key": {"id": {"S": lock}, "what": {"S": "open"}}}
        }

    def _receipt(self, identifier: str) -> str | None:
        item = self._get(identifier, "receipt")
        return str(item["receipt"]["S"]) if item else None

    def _put_receipt(self, identifier: str, receipt: str) -> str:
        item = {"id": {"S": identifier}, "what": {"S": "receipt"}, "receipt": {"S": receipt}}
        self._put_once(item)
        kept = self._receipt(identifier)
        if kept is None:
            raise LedgerUnreachable("the receipt was put, and is not there")
        return kept

    def _put_once(self, item: Item) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            aws.client("dynamodb").put_item(
                TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(id)"
            )
        except (BotoCoreError, ClientError) as error:
            if aws.reason(error) != "ConditionalCheckFailedException":
                raise LedgerUnreachable(aws.reason(error)) from None

    def _get(self, identifier: str, what: str) -> Item | None:
        answer = self._call(
            "get_item", Key={"id": {"S": identifier}, "what": {"S": what}}, ConsistentRead=True
        )
        return cast("Item | None", answer.get("Item"))

    def _transact(self, writes: Sequence[Item]) -> list[str]:
        """Nothing when all were written, else per write why not."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            aws.client("dynamodb").transact_write_items(TransactItems=list(writes))
        except ClientError as error:
            if aws.reason(error) != CANCELLED:
                raise LedgerUnreachable(aws.reason(error)) from None
            return [str(each.get("Code")) for each in error.response["CancellationReasons"]]
        except BotoCoreError as error:
            raise LedgerUnreachable(aws.reason(error)) from None
        return []

    def _call(self, name: str, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(aws.client("dynamodb"), name)(TableName=self._table, **arguments)
        except (BotoCoreError, ClientError) as error:
            raise LedgerUnreachable(aws.reason(error)) from None
