"""A stream tells how much it was handed and how far behind its readers are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.contract.local.conftest import LOGS, allow
from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

ARN = "arn:aws:kinesis:eu-central-1:000000000000:stream/measured"
READS = ["DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards"]


def latest(cloud: Cloud, metric: str, statistic: str) -> float | None:
    now = time.time()
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Kinesis",
        MetricName=metric,
        Dimensions=[{"Name": "StreamName", "Value": "measured"}],
        StartTime=now - 30,
        EndTime=now + 30,
        Period=1,
        Statistics=[statistic],
    )["Datapoints"]
    found = sorted((point["Timestamp"], point[statistic]) for point in points)
    return found[-1][1] if found else None


def test_a_reader_that_fails_falls_behind_and_writes_are_counted(cloud: Cloud) -> None:
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName="measured", ShardCount=1)
    reads = allow([f"kinesis:{each}" for each in READS], ARN)
    role = cloud.role("measured", LOGS, reads)
    cloud.function("measured", "def handler(event, context): raise ValueError", role)
    mapping = {"FunctionName": "measured", "EventSourceArn": ARN}
    cloud.client("lambda").create_event_source_mapping(**mapping, StartingPosition="TRIM_HORIZON")
    age = "GetRecords.IteratorAgeMilliseconds"
    eventually(lambda: latest(cloud, age, "Maximum"), 10, lambda seen: seen == 0)

    records = [{"Data": b"1", "PartitionKey": "a"}] * 3
    kinesis.put_records(StreamName="measured", Records=records)

    assert latest(cloud, "PutRecords.TotalRecords", "Sum") == 3
    assert latest(cloud, "PutRecords.FailedRecords", "Sum") == 0
    eventually(lambda: latest(cloud, age, "Maximum"), 12, lambda seen: seen and seen > 1000)
