"""The aggregates that the demo writes, read by the library that AWS publishes."""

from __future__ import annotations

import pytest
from aws_kinesis_agg.deaggregator import deaggregate_records
from hypothesis import given
from hypothesis import strategies as st

from demo import aggregate


def read(key: str, data: bytes) -> list[tuple[str, bytes]]:
    """What the library finds in one record; a broken aggregate comes back as it is."""
    import base64

    record = {
        "kinesis": {
            "partitionKey": key,
            "sequenceNumber": "1",
            "approximateArrivalTimestamp": 0,
            "kinesisSchemaVersion": "1.0",
            "data": base64.b64encode(data),
        },
        "eventID": "shardId-000000000000:1",
        "eventName": "aws:kinesis:record",
        "eventSource": "aws:kinesis",
        "eventSourceARN": "arn",
        "eventVersion": "1.0",
        "awsRegion": "eu-central-1",
        "invokeIdentityArn": "arn",
    }
    found = deaggregate_records([record])
    return [
        (user["kinesis"]["partitionKey"], base64.b64decode(user["kinesis"]["data"]))
        for user in found
    ]


@given(st.text("abk0129", min_size=1, max_size=200), st.lists(st.binary(max_size=300), min_size=1))
def test_the_library_reads_back_what_was_packed(key: str, payloads: list[bytes]) -> None:
    assert read(key, aggregate.encode(key, payloads)) == [(key, payload) for payload in payloads]


@given(st.lists(st.binary(max_size=20_000), max_size=20))
def test_the_predicted_size_is_the_size(payloads: list[bytes]) -> None:
    predicted = aggregate.overhead("k12") + sum(map(aggregate.size_of, payloads))

    assert predicted == len(aggregate.encode("k12", payloads))


@pytest.mark.parametrize("broken", [aggregate.with_broken_checksum, aggregate.with_broken_message])
def test_nobody_gets_an_event_out_of_a_broken_aggregate(broken) -> None:  # type: ignore[no-untyped-def]
    payloads = [b'{"event_id":"1"}', b'{"event_id":"2"}', b'{"event_id":"3"}']

    data = broken("k1", payloads)

    assert data.startswith(aggregate.MAGIC)
    assert read("k1", data) == [("k1", data)]
