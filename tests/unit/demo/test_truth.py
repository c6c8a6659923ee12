"""The truth against a day small enough to count by hand."""

from __future__ import annotations

import json

import pytest

from demo.truth import Cell, History, HistoryKey, Truth

ANNA, BOB = "account-anna", "account-bob"


def event(event_id: str, type_: str, ts: str, **other: str | int) -> bytes:
    fields: dict[str, str | int] = {
        "event_id": event_id, "type": type_, "account_id": ANNA, "profile_id": "profile-anna",
        "session_id": "session-1", "title_id": "title-1", "device": "tv", "country": "DE",
        "position_s": 0, "watched_s": 0, "bitrate_kbps": 4_500, "rebuffer_ms": 0, "ts": ts,
    }  # fmt: skip
    return json.dumps(fields | other).encode()


@pytest.fixture
def truth() -> Truth:
    counted = Truth(profiles={"profile-anna", "profile-bob"})
    for payload in (
        event("1", "play_start", "2025-11-23T03:00:01.000Z", rebuffer_ms=400),
        event("2", "heartbeat", "2025-11-23T03:00:31.000Z", watched_s=30, position_s=30),
        event("2", "heartbeat", "2025-11-23T03:00:31.000Z", watched_s=30, position_s=30),
        event("4", "stop", "2025-11-23T03:01:10.500Z", watched_s=9, position_s=69),
        event("3", "rebuffer", "2025-11-23T03:00:59.999Z", watched_s=28, rebuffer_ms=1_200),
        event(
            "5", "play_start", "2025-11-23T03:00:02.000Z", account_id=BOB, session_id="session-2"
        ),
        event("6", "error", "2025-11-23T03:00:40.000Z", account_id=BOB, session_id="session-2"),
        event("7", "stop", "2025-11-23T03:01:00.000Z", profile_id="nobody", device="web"),
    ):
        counted.absorb(payload)
    return counted


def test_rows_hold_plays_seconds_stalls_and_errors_of_their_minute(truth: Truth) -> None:
    assert truth.rows == {
        Cell("2025-11-23T03:00", "title-1", "DE", "tv"): [2, 58, 1_600, 1],
        Cell("2025-11-23T03:01", "title-1", "DE", "tv"): [0, 9, 0, 0],
        Cell("2025-11-23T03:01", "title-1", "DE", "web"): [0, 0, 0, 0],
    }
    assert truth.totals == [2, 67, 1_600, 1]


def test_an_event_sent_twice_counts_once(truth: Truth) -> None:
    assert truth.events == 7
    assert truth.duplicates == 1


def test_viewers_are_accounts_per_minute(truth: Truth) -> None:
    assert truth.viewers == {"2025-11-23T03:00": {ANNA, BOB}, "2025-11-23T03:01": {ANNA}}


def test_a_stop_leaves_history_only_for_a_profile_that_exists(truth: Truth) -> None:
    stopped = History("title-1", "2025-11-23T03:01:10.500Z", 69, 9, "tv")

    assert truth.history == {HistoryKey("profile-anna", "session-1"): stopped}
    assert truth.strangers == 1
