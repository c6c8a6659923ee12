"""Events that were put are counted once each, whatever befalls the consumer."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.chaos_mode import Chaos
    from tests.e2e.stage import Stage


def test_events_become_rollups_of_their_minute_title_country_and_device(stage: Stage) -> None:
    stage.put(
        stage.event("play_start", watched_s=0),
        stage.event("heartbeat", watched_s=10),
        stage.event("rebuffer", watched_s=0, rebuffer_ms=700),
        stage.event("error", watched_s=0),
        stage.event("heartbeat", country="FR", device="mobile", watched_s=7),
    )
    stage.settle()

    assert [row[2:] for row in stage.table()] == [
        ("DE", "tv", 1, 10, 700, 1),
        ("FR", "mobile", 0, 7, 0, 0),
    ]


def test_viewers_are_counted_per_minute_and_title(stage: Stage, redis: Any) -> None:
    minute = stage.minute.strftime("%Y-%m-%dT%H:%MZ")
    stage.put(stage.event(), stage.event(), stage.event(account_id=stage.profile))
    stage.settle()

    keys = list(redis.scan_iter(f"live:*:{stage.title}"))
    assert len(keys) == 1, f"one key for {minute}"
    assert redis.pfcount(keys[0]) == 2
    assert redis.ttl(keys[0]) > 0


def test_a_stop_becomes_watch_history_of_its_profile(stage: Stage, connect: Any) -> None:
    stop = stage.event("stop", position_s=1234)
    stage.put(stop)
    stage.settle()

    app = connect("DBSecretArn")
    with app.cursor() as cursor:
        cursor.execute(
            "SELECT title_id, position_s FROM app.watch_history WHERE profile_id = %s",
            (stage.profile,),
        )
        assert cursor.fetchall() == [(stage.title, 1234)]
    app.close()


def test_a_replay_of_the_whole_stream_changes_nothing(
    stage: Stage, aws: Any, outputs: dict[str, str]
) -> None:
    stage.put(*(stage.event(watched_s=3) for _ in range(200)))
    stage.settle()
    before, marks = stage.table(), stage.watermarks()

    for event in whole_stream(aws, outputs):
        answer = aws.client("lambda").invoke(
            FunctionName=outputs["AnalyticsFunctionName"], Payload=event
        )
        assert "FunctionError" not in answer, answer["Payload"].read()

    assert stage.table() == before
    assert stage.watermarks() == marks


def test_a_crash_between_commit_and_return_counts_once(stage: Stage, chaos: Chaos) -> None:
    with chaos:
        stage.put(*(stage.event(watched_s=1) for _ in range(100)), key=f"chaos-after-{stage.title}")
        stage.settle()
        chaos.until_calm()

    stage.settle()
    assert stage.rollups()["watched_s"] == 100


def test_a_partly_committed_batch_counts_once(stage: Stage, chaos: Chaos) -> None:
    with chaos:
        stage.put(*(stage.event(watched_s=1) for _ in range(100)), key=f"chaos-half-{stage.title}")
        stage.settle()

    assert stage.rollups()["watched_s"] == 100


def test_a_bisected_batch_counts_once(stage: Stage, chaos: Chaos) -> None:
    with chaos:
        stage.put(*(stage.event(watched_s=1) for _ in range(64)), key=f"chaos-split-{stage.title}")
        stage.settle()

    assert stage.rollups()["watched_s"] == 64


def whole_stream(aws: Any, outputs: dict[str, str]) -> list[bytes]:
    """Every record of the stream, as invocations of the consumer, oldest first."""
    import json

    kinesis = aws.client("kinesis")
    name, invocations = outputs["KinesisStreamName"], []
    for shard in kinesis.list_shards(StreamName=name)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            answer = kinesis.get_records(ShardIterator=iterator, Limit=2000)
            iterator = answer["NextShardIterator"]
            if not answer["Records"]:
                break
            records = [
                {
                    "kinesis": {
                        "kinesisSchemaVersion": "1.0",
                        "partitionKey": record["PartitionKey"],
                        "sequenceNumber": record["SequenceNumber"],
                        "data": base64.b64encode(record["Data"]).decode(),
                        "approximateArrivalTimestamp": record[
                            "ApproximateArrivalTimestamp"
                        ].timestamp(),
                    },
                    "eventSource": "aws:kinesis",
                    "eventID": f"{shard['ShardId']}:{record['SequenceNumber']}",
                    "eventName": "aws:kinesis:record",
                    "eventVersion": "1.0",
                    "awsRegion": "eu-central-1",
                    "invokeIdentityArn": "arn:aws:iam::000000000000:role/none",
                    "eventSourceARN": outputs["KinesisStreamARN"],
                }
                for record in answer["Records"]
            ]
            invocations += [
                json.dumps({"Records": part}).encode()
                for start in range(0, len(records), 500)
                if (part := records[start : start + 500])
            ]
    return invocations
