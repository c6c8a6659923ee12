"""Which shard takes a key, as ListShards tells it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from streamflix import shards
from streamflix.errors import ShardsUnknown
from streamflix.shards import LAST_HASH, Shards
from tests.unit.core.stream import Shard, Stream

HALF = 2**127


def described(*ranges: tuple[str, int, int, bool]) -> list[dict[str, Any]]:
    return [Shard(*each[:3], is_open=each[3]).described() for each in ranges]


TWO = described(("low", 0, HALF - 1, True), ("high", HALF, LAST_HASH, True))


@pytest.mark.parametrize(
    ("hash_key", "name"),
    [(0, "low"), (HALF - 1, "low"), (HALF, "high"), (LAST_HASH, "high")],
)
def test_a_range_holds_both_its_ends(
    hash_key: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "hash_of", lambda _: hash_key)
    found = Shards(TWO)

    assert found.names[found.place("key")] == name


@given(st.integers(1, 50), st.text(min_size=1))
def test_a_key_leads_where_the_stream_puts_it(count: int, key: str) -> None:
    stream = Stream(count)
    found = Shards.of(stream, "playback")

    (answer,) = stream.put_records(
        StreamName="playback", Records=[{"PartitionKey": key, "Data": b""}]
    )["Records"]

    assert found.names[found.place(key)] == answer["ShardId"]


def test_closed_shards_take_nothing_and_every_page_is_read() -> None:
    stream = Stream(3, per_page=2)
    stream.split(0)
    stream.merge(HALF)

    names = Shards.of(stream, "playback").names

    assert sorted(names) == [it.name for it in stream.shards if it.is_open]
    assert len(names) == 3
    assert stream.lists == 3


@pytest.mark.parametrize(
    "half_done",
    [
        [],
        TWO[:1],
        TWO[1:],
        [*TWO, *described(("child", HALF, LAST_HASH, True))],
        described(("low", 0, HALF - 2, True), ("high", HALF, LAST_HASH, True)),
        described(("low", 0, HALF - 1, False), ("high", HALF, LAST_HASH, True)),
    ],
    ids=["none", "half", "other half", "overlap", "gap of one", "closed, no child yet"],
)
def test_shards_that_leave_a_gap_or_overlap_are_not_believed(
    half_done: list[dict[str, Any]],
) -> None:
    with pytest.raises(ShardsUnknown):
        Shards(half_done)


@pytest.mark.parametrize(
    "trouble",
    [
        ClientError(
            {"Error": {"Code": "AccessDeniedException", "Message": "arn of anna"}}, "ListShards"
        ),
        EndpointConnectionError(endpoint_url="x"),
    ],
)
def test_a_stream_that_does_not_answer_has_unknown_shards(trouble: Exception) -> None:
    class Silent(Stream):
        def list_shards(self, **_: Any) -> dict[str, Any]:
            raise trouble

    with pytest.raises(ShardsUnknown) as raised:
        Shards.of(Silent(), "playback")

    assert str(raised.value) in ("ListShards: AccessDeniedException", "EndpointConnectionError")
    assert raised.value.__suppress_context__
