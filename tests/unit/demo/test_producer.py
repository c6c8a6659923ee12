"""Records reach the stream in order per key and without loss, whatever the stream refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from demo import producer
from demo.day import Mark, Record
from demo.producer import Ledger, Sender, Spot, StreamRefusesRecords, requests, send

if TYPE_CHECKING:
    from tests.unit.demo.conftest import Played


@dataclass
class Stream:
    """Two shards in memory. `refuses` decides about each entry, as a throttled shard would."""

    refuses: Any = lambda entry: False
    kept: list[tuple[str, str, bytes]] = field(default_factory=list)
    calls: int = 0

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert len(Records) <= 500
        assert sum(len(e["Data"]) + len(e["PartitionKey"]) for e in Records) <= 5 * 1_048_576
        self.calls += 1
        return {"Records": [self._put(entry) for entry in Records]}

    def _put(self, entry: dict[str, Any]) -> dict[str, str]:
        if self.refuses(entry):
            return {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow"}
        shard = f"shardId-{sum(entry['PartitionKey'].encode()) % 2:012d}"
        self.kept.append((shard, entry["PartitionKey"], entry["Data"]))
        return {"ShardId": shard, "SequenceNumber": f"{len(self.kept):030d}"}


def record(
    key: str, data: bytes = b"{}", *, events: int = 1, marks: tuple[Mark, ...] = ()
) -> Record:
    return Record(key, data, (data,), marks, events)


def sender(stream: Stream, ledger: Ledger | None = None) -> Sender:
    clock = iter(range(1_000_000))
    return Sender(
        stream, "playback", ledger or Ledger(), lambda _: None, lambda: float(next(clock))
    )


def test_a_key_stands_in_a_request_once(played: Played) -> None:
    for request in requests(played.records):
        keys = [each.key for each in request if not each.repeats_previous]
        assert len(set(keys)) == len(keys)


def test_requests_hold_what_kinesis_accepts_and_lose_nothing(played: Played) -> None:
    cut = list(requests(played.records))

    assert [each for request in cut for each in request] == played.records
    assert max(len(request) for request in cut) <= 500
    assert max(sum(each.size for each in request) for request in cut) <= 5 * 1_048_576


def test_a_request_sent_twice_stays_within_the_promise_about_duplicates(played: Played) -> None:
    for request in requests(played.records):
        assert len(request) == 1 or sum(each.events for each in request) <= 1_500


def test_refused_records_are_put_again_before_anything_newer_of_their_key(played: Played) -> None:
    dice = Random(1)
    stream = Stream(refuses=lambda entry: dice.random() < 0.2)
    ledger = Ledger()

    for request in requests(played.records):
        sender(stream, ledger).put(request)

    for key in {each.key for each in played.records}:
        sent = [each.data for each in played.records if each.key == key]
        assert [data for _, k, data in stream.kept if k == key] == sent
    assert ledger.records == len(played.records)
    assert ledger.retried > 0


def test_a_stream_that_takes_nothing_is_given_up_after_a_minute() -> None:
    with pytest.raises(StreamRefusesRecords, match="playback: 1 records refused"):
        sender(Stream(refuses=lambda entry: True)).put([record("a")])


def test_a_lost_request_ends_the_sending() -> None:
    class Broken(Stream):
        def put_records(self, **_: Any) -> dict[str, Any]:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        send(
            Broken(), "playback", [record("a"), record("a"), record("a")], Ledger(), lambda _: None
        )


def test_progress_is_told_about_every_event(played: Played) -> None:
    told: list[int] = []
    stream, ledger = Stream(), Ledger()

    send(stream, "playback", played.records, ledger, told.append)

    assert sum(told) == ledger.events == played.day.tally.events
    assert len(told) == stream.calls


def test_the_ledger_knows_where_each_mark_came_to_lie() -> None:
    ledger, stream = Ledger(), Stream()
    marked = record("b", marks=(Mark("NUL", 3), Mark("overflow", None)))

    sender(stream, ledger).put([record("a"), marked])

    shard = "shardId-000000000000"
    assert ledger.marks == {Spot(shard, 2, 3): "NUL", Spot(shard, 2, None): "overflow"}
    assert ledger.owns(Spot(shard, 2, 7))
    assert not ledger.owns(Spot(shard, 1, None))


def test_lag_is_the_age_of_the_oldest_record_above_the_watermark() -> None:
    ledger = Ledger()
    for sequence, at in ((10, 100.0), (30, 102.0), (20, 101.0)):  # as answers may come
        ledger.note(record("a"), producer.Place("s", sequence), at)

    assert ledger.lag_s({}, now=105.0) == 5.0
    assert ledger.lag_s({"s": 10}, now=105.0) == 4.0
    assert ledger.lag_s({"s": 29}, now=105.0) == 3.0
    assert ledger.lag_s({"s": 30}, now=105.0) == 0.0
    assert ledger.tips == {"s": 30}
    assert ledger.behind("s", 10) == 2
