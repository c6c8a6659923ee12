"""A stream reaches its function as Lambda brings it: batched, in order, retried, given up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.contract.local.kinesis_source import SCOPE, failed, message, source
from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


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
