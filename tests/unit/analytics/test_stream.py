"""How a replay reads the stream, where Kinesis does what no test can make it do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from analytics.errors import StreamUnreachable
from analytics.stream import RECORDS_PER_READ, Cursor, Stream
from tests.clocks import Time

ARN = "arn:aws:kinesis:eu-central-1:000000000000:stream/streamflix-playback-test"


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "GetRecords")


class Shard:
    """One shard's records, of which the oldest may have expired, and its iterators."""

    def __init__(self, *sequences: int, closed: bool = False, per_read: int = 2) -> None:
        self.sequences = list(sequences)
        self.closed, self.per_read = closed, per_read
        self.asked: list[dict[str, Any]] = []
        self.trouble: list[Exception] = []
        self.knows_expired_numbers = True

    def get_shard_iterator(self, **asked: Any) -> dict[str, str]:
        self.asked.append(asked)
        start = int(asked.get("StartingSequenceNumber", 0))
        if start and start not in self.sequences and not self.knows_expired_numbers:
            raise refused("InvalidArgumentException")
        if asked["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER":
            start += 1
        return {"ShardIterator": str(start)}

    def get_records(self, *, ShardIterator: str, **asked: Any) -> dict[str, Any]:  # noqa: N803
        self.asked.append(asked)
        if self.trouble:
            raise self.trouble.pop()
        left = [each for each in self.sequences if each >= int(ShardIterator)]
        read, left = left[: self.per_read], left[self.per_read :]
        answer = {
            "Records": [
                {
                    "SequenceNumber": str(each),
                    "ApproximateArrivalTimestamp": datetime.fromtimestamp(each, UTC),
                    "Data": b"x" * 1_000_000,
                }
                for each in read
            ],
            "MillisBehindLatest": 1500 * len(left),
        }
        if left or not self.closed:
            answer["NextShardIterator"] = str(read[-1] + 1 if read else ShardIterator)
        return answer


def cursor(shard: Any, watermark: int = 0, time: Time | None = None) -> Cursor:
    time = time or Time(100.0)
    return Cursor(Stream(ARN, shard), "shardId-000000000000", watermark, time.sleep, time)


def read(cursor: Cursor) -> tuple[list[int], float, bool]:
    chunk = cursor.read()
    return [record.sequence for record in chunk.records], chunk.behind_seconds, chunk.is_last


def test_a_shard_that_was_never_counted_is_read_from_its_oldest_record() -> None:
    shard = Shard(11, 12, 13)
    place = cursor(shard)

    assert [read(place), read(place)] == [([11, 12], 1.5, False), ([13], 0.0, True)]
    assert not place.has_gap
    assert shard.asked[0] == {
        "StreamARN": ARN,
        "ShardId": "shardId-000000000000",
        "ShardIteratorType": "TRIM_HORIZON",
    }
    assert shard.asked[1] == {"StreamARN": ARN, "Limit": RECORDS_PER_READ}


def test_what_the_watermark_covers_is_not_among_the_records() -> None:
    place = cursor(Shard(11, 12, 13), watermark=12)

    assert read(place) == ([13], 0.0, True)
    assert not place.has_gap


def test_a_tip_that_was_reached_by_the_watermark_is_no_gap() -> None:
    place = cursor(Shard(11, 12), watermark=12)

    assert read(place) == ([], 0.0, True)
    assert not place.has_gap


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("left", [(), (15, 16)])
def test_a_watermark_that_has_expired_is_a_gap_and_the_rest_is_read(
    left: tuple[int, ...], known: bool
) -> None:
    shard = Shard(*left)
    shard.knows_expired_numbers = known
    place = cursor(shard, watermark=12)
    assert not place.has_gap

    assert read(place)[0] == list(left)
    assert place.has_gap


def test_any_other_argument_that_is_refused_is_an_error() -> None:
    shard: Any = Shard()
    shard.get_shard_iterator = raising(refused("InvalidArgumentException"))

    with pytest.raises(StreamUnreachable, match="InvalidArgumentException"):
        cursor(shard, watermark=12).read()


def raising(error: Exception) -> Any:
    def raises(**_: Any) -> None:
        raise error

    return raises


def test_an_iterator_that_expired_is_replaced_and_no_record_read_twice_or_left_out() -> None:
    shard = Shard(11, 12, 13, 14)
    place = cursor(shard)
    assert read(place)[0] == [11, 12]
    shard.trouble.append(refused("ExpiredIteratorException"))

    with pytest.raises(StreamUnreachable, match="ExpiredIteratorException"):
        place.read()

    assert read(place) == ([13, 14], 0.0, True)
    assert shard.asked[-2]["StartingSequenceNumber"] == "12"


def test_no_answer_at_all_is_something_to_wait_for() -> None:
    shard = Shard(11)
    shard.trouble.append(EndpointConnectionError(endpoint_url="x"))
    place = cursor(shard)

    with pytest.raises(StreamUnreachable, match="EndpointConnectionError"):
        place.read()

    assert read(place)[0] == [11]


def test_a_closed_shard_ends_where_there_is_no_next_iterator() -> None:
    shard = Shard(11, 12, 13, closed=True)
    place = cursor(shard)

    assert [read(place)[2], read(place)[2]] == [False, True]


def test_reads_are_as_far_apart_as_a_shard_allows() -> None:
    """2 MB a second; five reads a second."""
    time = Time(100.0)
    place = cursor(Shard(*range(11, 17), per_read=3), time=time)
    place.read()
    place.read()
    place.read()

    assert time.slept == [0, 1.5, 1.5]
    few = Time(100.0)
    place = cursor(Shard(), time=few)
    place.read()
    place.read()
    assert few.slept == [0, 0.2]


class Pages:
    """ListShards, two shards at a time; a token and the stream's name do not go together."""

    def __init__(self, parents: dict[str, tuple[str, ...]]) -> None:
        self.parents = parents

    def list_shards(self, *, StreamARN: str, **asked: str) -> dict[str, Any]:  # noqa: N803
        assert StreamARN == ARN
        assert not asked.keys() - {"ExclusiveStartShardId"}
        names = [each for each in self.parents if each > asked.get("ExclusiveStartShardId", "")]
        keys = ("ParentShardId", "AdjacentParentShardId")
        shards = [
            {"ShardId": each} | dict(zip(keys, self.parents[each], strict=False))
            for each in names[:2]
        ]
        return {"Shards": shards} | ({"NextToken": "more"} if len(names) > 2 else {})


def test_parents_come_before_their_children_and_parents_that_have_expired_do_not_matter() -> None:
    pages: Any = Pages(
        {
            "s1": ("s0",),  # gone
            "s2": (),
            "s3": ("s1",),
            "s4": ("s1",),
            "s5": ("s4", "s2"),
            "s6": ("s5",),
        }
    )

    assert Stream(ARN, pages).generations() == [["s1", "s2"], ["s3", "s4"], ["s5"], ["s6"]]
