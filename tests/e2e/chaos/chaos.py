"""A handler around the consumer's handler that dies where a test's partition key says.

A test publishes it as a layer and points the deployed function's handler here for a while; the
function's own code is untouched. A record's partition key names what happens to its batch:

- ``chaos-exit…``   the process dies while the batch is decoded, always
- ``chaos-after…``  the process dies after the batch was committed
- ``chaos-half…``   the first half of the batch is committed, then the process dies
- ``chaos-split…``  a batch of several records fails, so that the event source halves it

All but the first end `TROUBLE_SECONDS` after the record's arrival, so that the stream moves on.
"""

import os
import time
from typing import Any

from analytics import ingest
from analytics.consume import handler as consume

decode = ingest.decode

TROUBLE_SECONDS = 6.0


def handler(event: dict[str, Any], context: Any) -> Any:
    records = event["Records"]
    kinds = {_kind(record) for record in records}
    ingest.decode = (lambda _: os._exit(70)) if "exit" in kinds else decode
    if "split" in kinds and len(records) > 1:
        raise RuntimeError("this batch is too large for the test")
    if "half" in kinds and len(records) > 1:
        consume({"Records": records[: len(records) // 2]}, context)
        os._exit(71)
    answer = consume(event, context)
    if "after" in kinds:
        os._exit(72)
    return answer


def _kind(record: dict[str, Any]) -> str:
    word, _, kind = record["kinesis"]["partitionKey"].partition("-")
    if word != "chaos":
        return ""
    kind = kind.split("-")[0]
    age = time.time() - record["kinesis"]["approximateArrivalTimestamp"]
    return kind if kind == "exit" or age < TROUBLE_SECONDS else ""
