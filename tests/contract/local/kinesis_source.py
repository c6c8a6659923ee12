"""A stream, a function that tells what it got, and the mapping between them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.contract.local.conftest import LOGS, allow
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable

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
