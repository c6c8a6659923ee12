"""Gap: Kinesis tells CloudWatch neither what it was handed nor how far behind its readers are.

A reader's age here is that of the oldest record that its function has not dealt with; on AWS it is
that of the last record read. No write and no read is ever throttled, so there is no metric of it.

Test: tests/contract/local/test_stream_metrics.py
"""

from __future__ import annotations

import bisect
import contextlib
import functools
import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.services import cloudwatch, kinesis

from local.event_source import Stopped
from local.hooks import kinesis_events
from local.metric_sources import Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.context import Cloud

    Answer = tuple[int, dict[str, str], bytes]

PATCHES: tuple[str, ...] = (
    "ministack.services.cloudwatch:record_metric",
    "ministack.services.kinesis:_put_records",
    "ministack.services.kinesis:_resolve_stream",
)
TYPES: tuple[str, ...] = ()

AGE = "GetRecords.IteratorAgeMilliseconds"
HANDED, FAILED = "PutRecords.TotalRecords", "PutRecords.FailedRecords"


def install(cloud: Cloud) -> None:
    cloud.metrics.give("AWS/Kinesis", AGE, HANDED, FAILED)
    cloud.metrics.measure(ages)
    kinesis._put_records = _counting(kinesis._put_records)


def ages() -> Iterator[Reading]:
    """Of each shard that an event source mapping reads."""
    for mapping, _ in kinesis_events.mappings():
        with contextlib.suppress(Stopped):  # its mapping or its stream is gone
            stream, places = mapping.stream(), kinesis_events.checkpoints.get(mapping.identity, {})
            scope, name = (mapping.account, mapping.region), {"StreamName": stream["StreamName"]}
            for shard, content in list(stream["shards"].items()):
                age = _age(content["records"], places.get(shard, ""))
                yield Reading(*scope, "AWS/Kinesis", AGE, age, "Milliseconds", name)


def _age(records: list[dict[str, Any]], place: str) -> float:
    following = bisect.bisect_right(records, place, key=lambda each: each["SequenceNumber"])
    if following == len(records):
        return 0
    return max(0.0, time.time() - float(records[following]["ApproximateArrivalTimestamp"])) * 1000


def _counting(stock: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    @functools.wraps(stock)
    def putting(request: dict[str, Any]) -> Answer:
        answer = stock(request)
        name, stream = kinesis._resolve_stream(request)
        if stream and answer[0] == HTTPStatus.OK:
            failed = json.loads(answer[2])["FailedRecordCount"]
            handed, of = len(request["Records"]), {"StreamName": name}
            cloudwatch.record_metric("AWS/Kinesis", HANDED, handed, "Count", of)
            cloudwatch.record_metric("AWS/Kinesis", FAILED, failed, "Count", of)
        return answer

    return putting
