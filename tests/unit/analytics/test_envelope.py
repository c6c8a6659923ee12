"""A Lambda event becomes a batch of one shard, or is refused as a whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics.envelope import Batch, Shard
from analytics.errors import MalformedInvocation
from tests import playback

SAMPLE = Path("events/analytics/kinesis_batch.json")


def test_records_keep_their_place_time_and_bytes() -> None:
    first, second = playback.record(b"one"), playback.record(b"two")

    batch = Batch.from_event(playback.batch([first, second]))

    assert batch.shard == Shard(playback.STREAM, playback.SHARD)
    assert [record.data for record in batch.records] == [b"one", b"two"]
    assert batch.records[0].sequence == int(first["kinesis"]["sequenceNumber"])
    assert batch.records[0].arrival == playback.NOON.timestamp()
    assert batch.last == int(second["kinesis"]["sequenceNumber"])


def test_the_last_record_is_the_highest_number_and_not_the_longest_text() -> None:
    low, high = playback.record(b""), playback.record(b"")
    low["kinesis"]["sequenceNumber"], high["kinesis"]["sequenceNumber"] = "999", "1000"

    assert Batch.from_event(playback.batch([high, low])).last == 1000


def test_enhanced_fan_out_does_not_change_the_stream() -> None:
    record = playback.record(b"")
    record["eventSourceARN"] += "/consumer/analytics:1763899200"

    assert Batch.from_event(playback.batch([record])).shard.stream == playback.STREAM


def test_the_sample_is_a_batch() -> None:
    assert len(Batch.from_event(json.loads(SAMPLE.read_text())).records) == 4


def _spoilt(**changes: Any) -> dict[str, Any]:
    record = playback.record(b"")
    record["kinesis"] |= changes
    return playback.batch([record])


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": []},
        {"Records": None},
        {"Records": [{"eventSource": "aws:sqs", "body": "x"}]},
        {"Records": [{**playback.record(b""), "eventSourceARN": "arn:aws:sqs:eu:0:queue"}]},
        playback.batch([playback.record(b""), playback.record(b"", shard="shardId-000000000001")]),
        _spoilt(sequenceNumber="first"),
        _spoilt(sequenceNumber=""),
        _spoilt(data=7),
        _spoilt(approximateArrivalTimestamp=None),
    ],
)
def test_what_is_no_batch_of_one_shard_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(MalformedInvocation):
        Batch.from_event(event)
