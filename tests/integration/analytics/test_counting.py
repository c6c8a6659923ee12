"""What was sent is what is counted, once, whatever happens in between."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from analytics import rejects, store
from tests import playback
from tests.playback import NOON, batch, event, events, expected_rows, packed, plain, pointer

if TYPE_CHECKING:
    from tests.integration.analytics.conftest import Cloud, Consumer, Table


class KilledError(BaseException):
    """The process ends here; nothing below may catch it."""


def die(*_: Any, **__: Any) -> None:
    raise KilledError


def test_rollups_equal_a_second_counting_of_plain_and_packed_records(
    consumer: Consumer, table: Table
) -> None:
    items = events(3000)
    records = packed(items[:2500], per=37) + plain(items[2500:])

    metrics = [consumer(batch(records[n : n + 100])) for n in range(0, len(records), 100)]

    assert table.rows() == expected_rows(items)
    assert sum(m["EventsIngested"] for m in metrics) == 3000
    assert table.watermarks() == {playback.SHARD: int(records[-1]["kinesis"]["sequenceNumber"])}


def test_an_invocation_says_in_numbers_what_it_did(consumer: Consumer) -> None:
    items = events(10)

    metrics = consumer(batch(plain([*items, items[0], b"{", event("stop")])))

    assert metrics.pop("ConsumerLagMs") > 0
    assert metrics.pop("shard") == playback.SHARD
    assert metrics == {
        "EventsIngested": 11,
        "EventsRejected": 1,
        "EventsDropped": 1,
        "EventsDuplicated": 1,
        "ViewerBatchesMissed": 0,
    }


def test_a_replay_of_the_whole_stream_changes_nothing(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    items: list[playback.Event | bytes] = [
        *events(600),
        b"broken",
        event("stop"),
        event(country="DEU"),
    ]
    batches = [batch(packed(items[n : n + 150])) for n in range(0, len(items), 150)]
    for one in batches:
        consumer(one)
    before = table.everything()
    assert len(cloud.pointers()) == 3

    consumer.restart()
    for one in batches:
        assert consumer(one)["EventsIngested"] == 0

    assert table.everything() == before
    assert cloud.pointers() == []


def test_a_crash_between_commit_and_return_counts_once(
    consumer: Consumer, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = events(200)
    one = batch(packed(items))

    with monkeypatch.context() as crash:
        crash.setattr("streamflix.metrics.publish", die)
        with pytest.raises(KilledError):
            consumer(one)
    before = table.everything()
    consumer.restart()
    consumer(one)

    assert table.rows() == expected_rows(items)
    assert table.everything() == before


@pytest.mark.parametrize(
    "at", [(rejects.RejectsQueue, "send"), (store, "_copy"), (store, "sift"), (store, "_position")]
)
def test_a_crash_before_the_commit_loses_nothing(
    consumer: Consumer,
    table: Table,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    at: tuple[Any, str],
) -> None:
    items, bad = events(200), playback.record(b"{")
    one = batch([*packed(items), bad])

    with monkeypatch.context() as crash:
        crash.setattr(*at, die)
        with pytest.raises(KilledError):
            consumer(one)
    assert table.rows() == {}
    consumer.restart()
    consumer(one)

    assert table.rows() == expected_rows(items)
    # A pointer may be in the queue twice: who reads them goes by shard and sequence.
    assert set(cloud.pointers()) == {pointer(bad, "undecodable")}


def test_a_batch_that_reaches_far_back_counts_its_new_records_only(
    consumer: Consumer, table: Table
) -> None:
    """So far that its old events are no longer remembered one by one: the watermark decides."""
    items = events(5000)
    records = packed(items, per=100)

    consumer(batch(records[:48]))
    assert consumer(batch([*records[:3], *records[48:]]))["EventsIngested"] == 200

    assert table.rows() == expected_rows(items)


def test_batches_that_overlap_count_once(consumer: Consumer, table: Table) -> None:
    items = events(300)
    records = packed(items, per=10)

    for start, end in ((0, 12), (5, 12), (8, 25), (0, 25), (20, 30), (29, 30)):
        consumer(batch(records[start:end]))

    assert table.rows() == expected_rows(items)


def test_a_bisected_batch_counts_once(consumer: Consumer, table: Table) -> None:
    items = events(256)
    records = packed(items, per=8)

    def bisect(part: list[playback.Event]) -> None:
        """As Lambda does after a function error: the first half, then the second."""
        if len(part) > 4:
            middle = len(part) // 2
            bisect(part[:middle])
            bisect(part[middle:])
        else:
            consumer(batch(part))

    bisect(records)
    bisect(records)

    assert table.rows() == expected_rows(items)


def test_a_producers_duplicates_count_once_within_a_batch_and_across_batches(
    consumer: Consumer, table: Table
) -> None:
    items = events(400)
    first = consumer(batch(packed([*items[:200], *items[50:100]])))
    second = consumer(batch(plain([*items[150:400], *items[:20]])))

    assert table.rows() == expected_rows(items)
    assert (first["EventsDuplicated"], second["EventsDuplicated"]) == (50, 70)


def test_a_duplicate_is_known_again_after_a_restart(consumer: Consumer, table: Table) -> None:
    items = events(20)
    consumer(batch(plain(items)))
    consumer.restart()

    assert consumer(batch(packed(items)))["EventsDuplicated"] == 20
    assert table.rows() == expected_rows(items)


def test_late_events_count_in_the_minute_in_which_they_happened(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    late = [event(at=NOON - timedelta(minutes=20)), event(at=NOON - timedelta(hours=23))]
    too_late = event(at=NOON - timedelta(hours=25))
    records = plain([*late, too_late, event()])

    consumer(batch(records))

    assert {row[0] for row in table.rows()} == {
        "2025-11-22T13:00",
        "2025-11-23T11:40",
        "2025-11-23T12:00",
    }
    assert cloud.pointers() == [pointer(records[2], "out_of_window")]


def test_shards_have_watermarks_of_their_own(consumer: Consumer, table: Table) -> None:
    items = events(40)
    ahead = plain(items[:20], shard="shardId-000000000007")
    behind = plain(items[20:])
    for record in behind:  # far below the other shard's
        record["kinesis"]["sequenceNumber"] = record["kinesis"]["sequenceNumber"][3:].lstrip("0")

    consumer(batch(ahead))
    consumer(batch(behind))

    assert table.rows() == expected_rows(items)
    assert set(table.watermarks()) == {playback.SHARD, "shardId-000000000007"}


def test_a_longer_number_is_a_later_record(consumer: Consumer, table: Table) -> None:
    records = plain(events(2))
    records[0]["kinesis"]["sequenceNumber"] = "999"
    records[1]["kinesis"]["sequenceNumber"] = "1000"

    for record in records:
        consumer(batch([record]))

    assert table.watermarks() == {playback.SHARD: 1000}
    assert sum(row[1] for row in table.rows().values()) == sum(
        row[1] for row in expected_rows_of(records).values()
    )


def expected_rows_of(records: list[playback.Event]) -> dict[playback.Row, tuple[int, ...]]:
    import base64
    import json

    return dict(expected_rows(json.loads(base64.b64decode(r["kinesis"]["data"])) for r in records))


def test_a_batch_without_a_single_event_moves_the_watermark(
    consumer: Consumer, table: Table, cloud: Cloud
) -> None:
    records = plain([b"", b"{"])

    assert consumer(batch(records))["EventsRejected"] == 2

    assert table.rows() == {}
    assert table.watermarks() == {playback.SHARD: int(records[1]["kinesis"]["sequenceNumber"])}
    assert len(cloud.pointers()) == 2


def test_a_stop_becomes_one_row_of_history_and_the_latest_wins(
    consumer: Consumer, table: Table
) -> None:
    person = {name: event()[name] for name in ("account_id", "profile_id", "session_id")}
    table.add_profile(person["profile_id"], person["account_id"])
    stops = [
        event("stop", at=NOON + timedelta(seconds=n), position_s=n, watched_s=5, **person)
        for n in (10, 30, 20)
    ]

    consumer(batch(plain(stops[:1])))
    consumer(batch(plain(stops[1:])))
    consumer(batch(plain([event("stop", at=NOON, position_s=1, watched_s=5, **person)])))

    assert table.history() == [
        (person["profile_id"], person["session_id"], "title-00042", 30, 5, "tv")
    ]
    assert sum(row[1] for row in table.rows().values()) == 20


def test_of_two_stops_at_one_moment_the_later_record_wins_in_one_batch_or_two(
    consumer: Consumer, table: Table
) -> None:
    person = {name: event()[name] for name in ("account_id", "profile_id", "session_id")}
    table.add_profile(person["profile_id"], person["account_id"])
    stops = plain([event("stop", position_s=n, **person) for n in range(4)])

    positions = []
    for part in (stops[:1], stops[1:2], stops[2:]):
        consumer(batch(part))
        positions += [row[3] for row in table.history()]

    assert positions == [0, 1, 3]


def test_a_sequence_number_may_have_any_length(consumer: Consumer, table: Table) -> None:
    record = playback.record(event())
    record["kinesis"]["sequenceNumber"] = "9" * 90

    consumer(batch([record]))

    assert table.watermarks() == {playback.SHARD: int("9" * 90)}
