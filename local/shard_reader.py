"""One shard of one event source mapping: reads MiniStack's records and calls its function."""

from __future__ import annotations

import bisect
import datetime as dt
import json
import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ministack.core.responses import _request_account_id, _request_region
from ministack.services import cloudwatch, kinesis, lambda_svc

from local import authorization, event_source, gateway
from local.event_source import Answer, Policy, Record, Stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger("streamflix.shard_reader")

IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Mapping:
    """An event source mapping, looked up anew each time: it may change or go at any moment."""

    account: str
    region: str
    identity: str

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] | None = lambda_svc._esms.get_scoped(
            self.account, self.region, self.identity
        )
        if found is None or not event_source.truth(found.get("Enabled", True)):
            raise Stopped
        return found

    def stream(self) -> dict[str, Any]:
        name = self.record()["EventSourceArn"].rpartition("/")[2]
        found: dict[str, Any] | None = kinesis._streams.get_scoped(self.account, self.region, name)
        if found is None:
            raise Stopped
        return found

    def function(self) -> dict[str, Any]:
        record = self.record()
        found, _ = lambda_svc._get_func_record_for_qualifier(
            record["FunctionName"], record.get("Qualifier")
        )
        if found is None:
            raise Stopped
        return dict(found)

    def policy(self) -> Policy:
        return Policy.of(self.record())


class Reader(threading.Thread):
    """Works through one shard until the mapping stops; one invocation at a time."""

    def __init__(self, mapping: Mapping, shard: str, checkpoints: dict[str, str]) -> None:
        super().__init__(name=f"shard-{shard}", daemon=True)
        self.wake = threading.Event()
        self._mapping = mapping
        self._shard = shard
        self._checkpoints = checkpoints

    def run(self) -> None:
        _request_account_id.set(self._mapping.account)
        _request_region.set(self._mapping.region)
        while True:
            try:
                self._step()
            except Stopped:
                return
            except Exception:
                logger.exception("reading %s failed", self._shard)
                time.sleep(IDLE_SECONDS)

    def _step(self) -> None:
        batch = self._gather()
        lanes = event_source.lanes_of(batch, self._mapping.policy().lanes)
        if len(lanes) > 1:
            self._deliver_at_once(lanes)
            self._done(batch[-1])
        elif batch:
            event_source.deliver(batch, self._mapping.policy, self, self._done)
        else:
            self._wait(IDLE_SECONDS)

    def _deliver_at_once(self, lanes: Sequence[Sequence[Record]]) -> None:
        """One thread per lane; the checkpoint moves when the last of them has ended."""
        with ThreadPoolExecutor(len(lanes)) as pool:
            for each in [
                pool.submit(copy_context().run, self._deliver_lane, lane) for lane in lanes
            ]:
                each.result()

    def _deliver_lane(self, lane: Sequence[Record]) -> None:
        event_source.deliver(lane, self._mapping.policy, self, lambda _: None)

    def _gather(self) -> Sequence[Record]:
        """The next batch: full, or as old as the batching window; nothing when there is nothing."""
        waiting_until: float | None = None
        while True:
            policy = self._mapping.policy()
            batch, full = self._ahead(policy.batch_size)
            if not batch:
                return ()
            now = time.monotonic()
            waiting_until = waiting_until or now + policy.window_seconds
            if full or now >= waiting_until:
                return batch
            self._wait(waiting_until - now)

    def _ahead(self, most: int) -> tuple[Sequence[Record], bool]:
        """The records after the checkpoint, and whether no more of them would fit."""
        content = self._mapping.stream()["shards"].get(self._shard)
        if content is None:
            raise Stopped
        records: list[Record] = content["records"]
        place = self._checkpoints.get(self._shard, "")
        first = bisect.bisect_right(records, place, key=lambda each: each["SequenceNumber"])
        batch = records[first : first + most]
        if not batch or self._waits_for_parents(content):
            return (), False
        fit = event_source.fitting(batch, self._constant(), self._shard)
        return batch[:fit], fit < len(batch) or len(batch) == most

    def _waits_for_parents(self, content: dict[str, Any]) -> bool:
        """Whether a closed parent of this shard still has records that nobody has read."""
        shards = self._mapping.stream()["shards"]
        named = [content.get("parent_shard_id"), content.get("adjacent_parent_shard_id")]
        parents: list[str] = content.get("parents") or [each for each in named if each]
        for parent in parents:
            records = shards[parent]["records"] if parent in shards else ()
            if records and records[-1]["SequenceNumber"] > self._checkpoints.get(parent, ""):
                return True
        return False

    def _constant(self) -> dict[str, Any]:
        return {
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": self._mapping.function()["config"]["Role"],
            "awsRegion": self._mapping.region,
            "eventSourceARN": self._mapping.record()["EventSourceArn"],
        }

    def _done(self, record: Record) -> None:
        self._checkpoints[self._shard] = record["SequenceNumber"]

    def _wait(self, seconds: float) -> None:
        self.wake.wait(seconds)
        self.wake.clear()

    def pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._mapping.record()
            time.sleep(min(left, IDLE_SECONDS))

    def invoke(self, batch: Sequence[Record]) -> Answer:
        mapping, function = self._mapping.record(), self._mapping.function()
        records = event_source.event_of(batch, self._shard, self._constant())
        records = lambda_svc._apply_filter_criteria(records, mapping)
        if not records:
            return Answer()
        began = time.monotonic()
        result = lambda_svc._execute_function(function, {"Records": records})
        if result.get("throttle"):
            return Answer(throttled=True)
        name = function["config"]["FunctionName"]
        milliseconds = (time.monotonic() - began) * 1000
        error = bool(result.get("error"))
        lambda_svc._emit_lambda_metrics(name, milliseconds, error=error, throttle=False)
        age = max(0.0, time.time() - batch[-1]["ApproximateArrivalTimestamp"]) * 1000
        dimensions = {"FunctionName": name}
        cloudwatch.record_metric("AWS/Lambda", "IteratorAge", age, "Milliseconds", dimensions)
        mapping["LastProcessingResult"] = "PROBLEM: Function call failed" if error else "OK"
        return Answer(error, failed_item=_first_failed(result.get("body")))

    def give_up(self, batch: Sequence[Record], condition: str, attempts: int) -> None:
        mapping, function = self._mapping.record(), self._mapping.function()
        failure = (mapping.get("DestinationConfig") or {}).get("OnFailure") or {}
        logger.warning("gave up %s records of %s: %s", len(batch), self._shard, condition)
        if destination := failure.get("Destination"):
            message = self._message(batch, condition, attempts, mapping, function)
            _send(function["config"], destination, json.dumps(message))

    def _message(
        self,
        batch: Sequence[Record],
        condition: str,
        attempts: int,
        mapping: dict[str, Any],
        function: dict[str, Any],
    ) -> dict[str, Any]:
        return {
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": function["config"]["FunctionArn"],
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": _iso(time.time()),
            "KinesisBatchInfo": {
                "shardId": self._shard,
                "startSequenceNumber": batch[0]["SequenceNumber"],
                "endSequenceNumber": batch[-1]["SequenceNumber"],
                "approximateArrivalOfFirstRecord": _iso(batch[0]["ApproximateArrivalTimestamp"]),
                "approximateArrivalOfLastRecord": _iso(batch[-1]["ApproximateArrivalTimestamp"]),
                "batchSize": len(batch),
                "streamArn": mapping["EventSourceArn"],
            },
        }


def delivery(destination: str) -> str:
    """The action that delivers to a failure destination."""
    return {"sqs": "sqs:SendMessage", "sns": "sns:Publish"}[destination.split(":")[2]]


def _send(config: dict[str, Any], destination: str, message: str) -> None:
    """Deliver as the function's role; what that may not do is lost, as on AWS."""
    action = delivery(destination)
    if not authorization.role_may(config["Role"], config["FunctionName"], action, destination):
        logger.error("%s may not %s to %s: record lost", config["Role"], action, destination)
    elif action == "sns:Publish":
        gateway.call("sns", "Publish", {"TopicArn": destination, "Message": message})
    else:
        queue = gateway.call("sqs", "GetQueueUrl", {"QueueName": destination.rpartition(":")[2]})
        gateway.call("sqs", "SendMessage", {"QueueUrl": queue["QueueUrl"], "MessageBody": message})


def _first_failed(body: object) -> str | None:
    """The lowest sequence number that a partial response names; "" when it names none properly."""
    if not isinstance(body, dict) or not body.get("batchItemFailures"):
        return None
    return min(str(each.get("itemIdentifier") or "") for each in body["batchItemFailures"])


def _iso(seconds: float) -> str:
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
