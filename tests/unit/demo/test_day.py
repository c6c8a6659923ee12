"""What the generator promises about a day: the same every time, and as disorderly as agreed."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from itertools import pairwise

from demo import malformed
from demo.catalogue import COUNTRIES, DEVICES, Catalogue
from demo.day import NEAR_LIMIT, RECORD_LIMIT, Day
from demo.sessions import WINDOW_MS
from tests.unit.demo.conftest import EVENTS, NOW_MS, Played
from tests.unit.demo.test_aggregate import read

HOUR = timedelta(hours=1)


def digest(people: Catalogue, seed: int, until_ms: int = NOW_MS) -> str:
    day = hashlib.sha256()
    for record in Day(people, seed, until_ms, NOW_MS, events=2_000):
        day.update(record.key.encode() + record.data)
    return day.hexdigest()


def users(played: Played) -> list[list[bytes]]:
    """The user records of each record, as the library of AWS reads them."""
    return [[data for _, data in read(r.key, r.data)] for r in played.records]


def test_the_same_seed_gives_the_same_bytes(people: Catalogue) -> None:
    assert digest(people, seed=1) == digest(people, seed=1)
    assert digest(people, seed=1) != digest(people, seed=2)


def test_a_seed_repeated_in_another_hour_sends_events_of_its_own(people: Catalogue) -> None:
    ids = []
    for until_ms in (NOW_MS, NOW_MS - WINDOW_MS):
        day = Day(people, 1, until_ms, NOW_MS, events=1_000)
        ids.append({json.loads(p)["event_id"] for record in day for p in record.payloads})

    assert len(ids[0]) == len(ids[1])
    assert not ids[0] & ids[1]


def test_most_events_travel_in_aggregates_and_some_alone(played: Played) -> None:
    alone = sum(record.events for record in played.records if record.data[:1] == b"{")

    assert 0.01 < alone / played.day.tally.events < 0.1
    assert played.truth.events >= EVENTS


def test_what_a_record_says_about_itself_is_what_the_library_finds_in_it(played: Played) -> None:
    for record, found in zip(played.records, users(played), strict=True):
        whole = any(mark.subsequence is None for mark in record.marks)
        bad = {m.subsequence for m in record.marks if m.kind != malformed.UNKNOWN_PROFILE}
        fine = [data for place, data in enumerate(found) if not whole and place not in bad]

        assert record.events == len(found)
        assert whole or fine == list(record.payloads)


def test_every_kind_of_malformed_event_is_sent_equally_often(played: Played) -> None:
    sent = played.day.tally.malformed

    assert sent == dict.fromkeys((*malformed.KINDS, malformed.UNKNOWN_PROFILE), 4)
    assert len(malformed.KINDS) >= 8


def test_no_record_passes_the_limit_and_enough_are_within_a_kilobyte_of_it(
    played: Played,
) -> None:
    sizes = [record.size for record in played.records]
    near = [size for size in sizes if size >= RECORD_LIMIT - NEAR_LIMIT]

    assert max(sizes) <= RECORD_LIMIT
    assert len(near) >= 50 * EVENTS / 300_000
    assert len(near) == played.day.tally.near_limit


def test_producers_repeat_one_event_in_a_hundred_or_more(played: Played) -> None:
    tally = played.day.tally

    assert tally.duplicates == played.truth.duplicates
    assert 0.01 <= tally.duplicates / tally.events <= 0.05


def test_both_copies_of_a_duplicate_lie_close_together_in_one_shard(played: Played) -> None:
    """Closer than the 4,096 events of a shard within which the platform counts them once."""
    seen: dict[str, tuple[str, int]] = {}
    place = 0
    for record in played.records:
        start = place
        for payload in record.payloads:
            event_id = json.loads(payload)["event_id"]
            key, first = seen.setdefault(event_id, (record.key, start))
            assert key == record.key
            assert first == start or place - first < 1_500
        place += record.events


def test_events_are_late_and_out_of_order_as_agreed(played: Played) -> None:
    tally, events = played.day.tally, played.truth.events

    assert 0.017 < tally.late / events < 0.023
    assert 0.027 < tally.out_of_order / events < 0.033


def test_out_of_order_events_are_overtaken_by_their_own_session(played: Played) -> None:
    last: dict[str, str] = {}
    overtaken = 0
    for record in played.records:
        for payload in record.payloads:
            event = json.loads(payload)
            overtaken += event["ts"] < last.get(event["session_id"], "")
            last[event["session_id"]] = event["ts"]

    assert overtaken >= 0.03 * played.truth.events


def test_all_events_lie_in_the_hour_that_is_played(played: Played) -> None:
    until = datetime.fromisoformat("2025-11-23T03:03:20+00:00")
    for record in played.records:
        for payload in record.payloads:
            ts = datetime.fromisoformat(json.loads(payload)["ts"])
            assert until - HOUR <= ts <= until


def test_every_event_has_the_agreed_fields_within_their_bounds(played: Played) -> None:
    seen_countries, seen_devices, seen_types = set(), set(), set()
    for record in played.records:
        for payload in record.payloads:
            event = json.loads(payload)
            seen_countries.add(event["country"])
            seen_devices.add(event["device"])
            seen_types.add(event["type"])
            assert set(event) == {*malformed.REQUIRED, "bitrate_kbps", "rebuffer_ms"}
            assert 0 <= event["position_s"] < 2**31
            assert 0 <= event["watched_s"] <= 86_400
            assert 0 <= event["rebuffer_ms"] <= 3_600_000

    assert seen_types == {"play_start", "heartbeat", "pause", "stop", "rebuffer", "error"}
    assert seen_devices == set(DEVICES)
    assert len(seen_countries & set(COUNTRIES)) == len(seen_countries) >= 20


def test_the_most_famous_title_is_watched_most(played: Played) -> None:
    plays: dict[str, int] = {}
    for cell, counts in played.truth.rows.items():
        plays[cell.title_id] = plays.get(cell.title_id, 0) + counts[0]
    ranked = [plays.get(title, 0) for title in played.catalogue.titles]

    assert ranked[0] == max(ranked)
    assert all(sum(a) > sum(b) for a, b in pairwise([ranked[:10], ranked[50:60], ranked[190:]]))
