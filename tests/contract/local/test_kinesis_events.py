"""A stream reaches its function as Lambda brings it: batched, in order, retried, given up."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.local.conftest import LOGS, allow
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.contract.local.conftest import Cloud

SCOPE = "arn:aws:kinesis:eu-central-1:000000000000:stream/"
READS = ["DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards"]

CODE = """
import base64, json, os, time
def handler(event, context):
    texts = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    size = len(json.dumps(event, separators=(",", ":")))
    shard = event["Records"][0]["eventID"].partition(":")[0]
    told = {"shard": shard, "size": size, "texts": [text[:12] for text in texts]}
    print("BATCH " + json.dumps(told), flush=True)
    if any(text.startswith("raise") for text in texts):
        raise ValueError("poison")
    for signal in (text.partition(":")[2] for text in texts if text.startswith("linger:")):
        open(signal, "w").close()
        time.sleep(1.5)
    if any(text.startswith("exit") for text in texts):
        os._exit(1)
"""


@dataclass
class Source:
    """A stream, a function, and the mapping between them."""

    cloud: Cloud
    name: str
    mapping: str

    def put(self, texts: Iterable[str], key: str = "") -> None:
        records = [{"Data": text.encode(), "PartitionKey": key or text[:12]} for text in texts]
        for first in range(0, len(records), 500):
            part = records[first : first + 500]
            self.cloud.client("kinesis").put_records(StreamName=self.name, Records=part)

    def batches(self) -> list[dict[str, Any]]:
        lines = self.cloud.log_of(f"/aws/lambda/{self.name}")
        told = [line.removeprefix("BATCH ") for line in lines if line.startswith("BATCH ")]
        return [json.loads(line) for line in told]

    def texts(self) -> list[str]:
        return [text for batch in self.batches() for text in batch["texts"]]

    def set(self, **settings: Any) -> None:
        self.cloud.client("lambda").update_event_source_mapping(UUID=self.mapping, **settings)


def source(cloud: Cloud, shards: int = 1, before: Iterable[str] = (), **settings: Any) -> Source:
    name = f"events-{uuid.uuid4().hex[:8]}"
    cloud.client("kinesis").create_stream(StreamName=name, ShardCount=shards)
    sends = allow("sqs:SendMessage", "arn:aws:sqs:eu-central-1:000000000000:events-failed")
    reads = allow([f"kinesis:{each}" for each in READS], SCOPE + name)
    cloud.function(name, CODE, cloud.role(name, LOGS, reads, sends), Timeout=10)
    made = Source(cloud, name, "")
    made.put(before)
    answer = cloud.client("lambda").create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=SCOPE + name,
        **{"StartingPosition": "TRIM_HORIZON", "BatchSize": 100} | settings,
    )
    made.mapping = answer["UUID"]
    return made


def failed(cloud: Cloud) -> str:
    return str(cloud.client("sqs").create_queue(QueueName="events-failed")["QueueUrl"])


def message(cloud: Cloud, queue: str) -> dict[str, Any]:
    def look() -> list[dict[str, Any]]:
        answer = cloud.client("sqs").receive_message(QueueUrl=queue)
        return list(answer.get("Messages", ()))

    found = eventually(look, within=10)[0]
    cloud.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=found["ReceiptHandle"])
    body: dict[str, Any] = json.loads(found["Body"])
    return body


def test_each_record_comes_once_in_order_per_shard_in_batches_of_at_most_the_size(
    cloud: Cloud,
) -> None:
    texts = [f"{number:05}" for number in range(1500)]
    events = source(cloud, shards=2, before=texts)

    eventually(events.texts, within=10, wanted=lambda seen: len(seen) >= 1500)

    batches = events.batches()
    assert sorted(events.texts()) == texts
    assert max(len(batch["texts"]) for batch in batches) == 100
    for shard in ("shardId-000000000000", "shardId-000000000001"):
        of_shard = [text for each in batches if each["shard"] == shard for text in each["texts"]]
        assert len(of_shard) > 100
        assert of_shard == sorted(of_shard)
    age = cloud.client("cloudwatch").list_metrics(
        MetricName="IteratorAge", Dimensions=[{"Name": "FunctionName", "Value": events.name}]
    )
    assert age["Metrics"]


def test_latest_leaves_out_what_was_there_before(cloud: Cloud) -> None:
    events = source(cloud, before=["old"], StartingPosition="LATEST")
    events.put(["new"])

    assert eventually(events.texts, within=5) == ["new"]


def test_a_batch_waits_for_its_window(cloud: Cloud) -> None:
    events = source(cloud, MaximumBatchingWindowInSeconds=2)
    events.put(["one"])
    time.sleep(0.5)  # the second record comes while the window is open
    events.put(["two"])

    eventually(events.texts, within=5)
    assert [batch["texts"] for batch in events.batches()] == [["one", "two"]]


def test_a_batch_is_cut_before_its_event_exceeds_six_megabytes(cloud: Cloud) -> None:
    texts = [f"{number}" + "x" * 1_000_000 for number in range(9)]
    events = source(cloud, MaximumBatchingWindowInSeconds=1)
    for text in texts:
        events.put([text])

    seen = eventually(events.texts, within=15, wanted=lambda seen: len(seen) >= 9)
    assert seen == [text[:12] for text in texts]
    sizes = [batch["size"] for batch in events.batches()]
    assert max(sizes) <= 6 * 1024 * 1024
    assert len(sizes) <= 4


def test_a_record_that_fails_is_found_by_halving_and_given_up_after_its_retries(
    cloud: Cloud,
) -> None:
    queue = failed(cloud)
    texts = [*(f"a{number}" for number in range(10)), "raise", *(f"b{n}" for n in range(10))]
    events = source(
        cloud,
        before=texts,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={
            "OnFailure": {"Destination": "arn:aws:sqs:eu-central-1:000000000000:events-failed"}
        },
    )

    told = message(cloud, queue)

    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["requestContext"]["approximateInvokeCount"] == 2
    info = told["KinesisBatchInfo"]
    assert (info["batchSize"], info["streamArn"]) == (1, SCOPE + events.name)

    def whole() -> list[str]:
        batches = [batch["texts"] for batch in events.batches()]
        return [text for batch in batches if "raise" not in batch for text in batch]

    expected = [text for text in texts if text != "raise"]
    eventually(whole, within=5, wanted=lambda seen: seen == expected)
    assert [batch["texts"] for batch in events.batches()].count(["raise"]) == 2


def test_a_failing_batch_is_tried_for_ever_and_blocks_only_its_shard(cloud: Cloud) -> None:
    events = source(cloud, shards=2)
    events.put(["raise", "behind"], key="a")
    eventually(lambda: events.texts().count("raise") >= 3, within=10)

    blocked = events.batches()[0]["shard"]
    other = next(key for key in "bcdefgh" if shard_of(key) != blocked)
    events.put(["free"], key=other)

    eventually(lambda: "free" in events.texts(), within=5)
    assert events.texts().count("raise") == events.texts().count("behind")
    events.set(Enabled=False)


def shard_of(key: str) -> str:
    from hashlib import md5

    return f"shardId-{int(md5(key.encode()).hexdigest(), 16) >> 127:012}"


def test_a_record_that_kills_the_process_hangs_nothing(cloud: Cloud) -> None:
    events = source(
        cloud,
        before=["a", "exit", "b"],
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
    )

    eventually(lambda: ["b"] in [batch["texts"] for batch in events.batches()], within=10)
    assert [batch["texts"] for batch in events.batches()] == [
        *(["a", "exit", "b"], ["a"], ["exit", "b"], ["exit"], ["b"]),
    ]


def test_records_older_than_the_limit_are_given_up_unread(cloud: Cloud) -> None:
    queue = failed(cloud)
    events = source(
        cloud,
        before=["old1", "old2"],
        Enabled=False,
        MaximumRecordAgeInSeconds=2,
        DestinationConfig={
            "OnFailure": {"Destination": "arn:aws:sqs:eu-central-1:000000000000:events-failed"}
        },
    )
    time.sleep(2.1)  # they grow older than the limit
    events.put(["young"])
    events.set(Enabled=True)

    told = message(cloud, queue)
    assert told["requestContext"]["condition"] == "RecordAgeExceeded"
    assert told["KinesisBatchInfo"]["batchSize"] == 2
    assert eventually(events.texts, within=5) == ["young"]


def test_a_disabled_mapping_goes_on_where_it_stood_and_a_deleted_one_ends(cloud: Cloud) -> None:
    events = source(cloud, before=["one"])
    eventually(events.texts, within=5)

    events.set(Enabled=False)
    events.put(["two"])
    time.sleep(0.5)  # much longer than a reader takes to notice
    assert events.texts() == ["one"]

    events.set(Enabled=True, BatchSize=1)
    eventually(events.texts, within=5, wanted=lambda seen: seen == ["one", "two"])

    cloud.client("lambda").delete_event_source_mapping(UUID=events.mapping)
    events.put(["three"])
    time.sleep(0.5)
    assert events.texts() == ["one", "two"]


def test_a_mapping_is_disabled_once_no_batch_is_in_flight_and_goes_on_after_it(
    cloud: Cloud, tmp_path: Path
) -> None:
    signal = tmp_path / "in-flight"
    events = source(cloud, before=[f"linger:{signal}"])

    def state() -> str:
        return str(cloud.client("lambda").get_event_source_mapping(UUID=events.mapping)["State"])

    eventually(signal.exists, within=5)
    events.set(Enabled=False)
    events.put(["next"])
    assert state() == "Disabling"

    eventually(state, within=10, wanted=lambda seen: seen == "Disabled")
    lingered = events.texts()
    assert [text[:7] for text in lingered] == ["linger:"]

    events.set(Enabled=True)
    assert state() == "Enabled"
    eventually(events.texts, within=5, wanted=lambda seen: seen == [*lingered, "next"])


def test_children_of_a_split_are_read_after_their_parent(cloud: Cloud) -> None:
    events = source(cloud, before=[f"p{n}" for n in range(5)], BatchSize=1, Enabled=False)
    cloud.client("kinesis").split_shard(
        StreamName=events.name,
        ShardToSplit="shardId-000000000000",
        NewStartingHashKey=str(2**127),
    )
    events.put(f"c{n}" for n in range(5))
    events.set(Enabled=True)

    seen = eventually(events.texts, within=10, wanted=lambda seen: len(seen) >= 10)
    assert seen[:5] == [f"p{n}" for n in range(5)]
    assert sorted(seen[5:]) == [f"c{n}" for n in range(5)]


def test_parallel_invocations_of_a_shard_keep_the_order_of_each_key(cloud: Cloud) -> None:
    events = source(cloud, ParallelizationFactor=4, MaximumBatchingWindowInSeconds=1)
    for number in range(10):
        for key in "abcd":
            events.put([f"{key}{number}"], key=key)

    seen = eventually(events.texts, within=10, wanted=lambda seen: len(seen) >= 40)
    for key in "abcd":
        assert [text for text in seen if text[0] == key] == [f"{key}{n}" for n in range(10)]
    assert len(events.batches()) > 1


def test_a_role_that_cannot_read_the_stream_gets_no_mapping(cloud: Cloud) -> None:
    cloud.client("kinesis").create_stream(StreamName="unreadable", ShardCount=1)
    reads = [f"kinesis:{each}" for each in READS if each != "ListShards"]
    role = cloud.role("unreading", allow(reads, SCOPE + "unreadable"))
    cloud.function("unreading", CODE, role)

    with pytest.raises(ClientError, match=r"Cannot access stream .* lacks kinesis:ListShards"):
        cloud.client("lambda").create_event_source_mapping(
            FunctionName="unreading",
            EventSourceArn=SCOPE + "unreadable",
            StartingPosition="LATEST",
        )
    calls = [call for call in cloud.calls("kinesis:GetRecords") if "unreading" in call["principal"]]
    assert not [call for call in calls if not call["allowed"]]

    cloud.client("iam").put_role_policy(
        RoleName="unreading",
        PolicyName="more",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [allow("kinesis:ListShards", "*")]}
        ),
    )
    queue = "arn:aws:sqs:eu-central-1:000000000000:nobodys"
    with pytest.raises(ClientError, match="permissions to call sqs:SendMessage on " + queue):
        cloud.client("lambda").create_event_source_mapping(
            FunctionName="unreading",
            EventSourceArn=SCOPE + "unreadable",
            StartingPosition="LATEST",
            DestinationConfig={"OnFailure": {"Destination": queue}},
        )

    mapping = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": "unreading",
            "EventSourceArn": SCOPE + "unreadable",
            "StartingPosition": "LATEST",
            "DestinationConfig": {"OnFailure": {"Destination": queue}},
        },
    }
    assert cloud.deploy("unreading", {"M": mapping})["StackStatus"] == "ROLLBACK_COMPLETE"
    assert (
        cloud.client("lambda").list_event_source_mappings(FunctionName="unreading")[
            "EventSourceMappings"
        ]
        == []
    )
