"""What one answer says about now, whichever store is away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from analytics import live
from analytics.live import Lag, Rollup, Sums
from analytics.recently import Recently

NOW = datetime(2026, 11, 30, 12, 1, 30, tzinfo=UTC)
MINUTE = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LAG = Lag(NOW - timedelta(seconds=2), NOW - timedelta(seconds=40), 1.25)


def rollup(minutes: int = 60, **changes: Any) -> Rollup:
    known: dict[str, Any] = {
        "total": Sums(3, 1000, 5000, 1),
        "titles": {"long": Sums(1, 700, 0, 0), "short": Sums(2, 300, 5000, 1)},
        "countries": {"DE": Sums(3, 1000, 5000, 1)},
        "devices": {"tv": Sums(3, 1000, 5000, 1)},
        "counted_minutes": frozenset(live.shown_minutes(MINUTE)[-minutes:]),
    }
    return Rollup(**{**known, **changes})


def viewers(of: Rollup | None, **changes: int) -> dict[str, int]:
    """Seven for each key; `changes` by what stands behind the minute of now."""
    counts = dict.fromkeys(live.keys(MINUTE, of), 7)
    return counts | {live.key(MINUTE, suffix): count for suffix, count in changes.items()}


def test_a_minute_is_complete_when_its_last_events_have_had_time_to_arrive() -> None:
    over = datetime(2026, 11, 30, 12, 1, tzinfo=UTC)

    assert live.last_complete_minute(over + timedelta(seconds=9)) == MINUTE - live.MINUTE
    assert live.last_complete_minute(over + timedelta(seconds=10)) == MINUTE


def test_keys_are_those_that_the_consumer_writes() -> None:
    wanted = live.keys(MINUTE, rollup())

    assert wanted[59] == "live:2026-11-30T12:00Z"
    assert wanted[0] == "live:2026-11-30T11:01Z"
    assert wanted[60:] == [
        "live:2026-11-30T12:00Z:long",
        "live:2026-11-30T12:00Z:short",
        "live:2026-11-30T12:00Z:c:DE",
        "live:2026-11-30T12:00Z:d:tv",
    ]


def test_an_answer_shows_the_last_hour_and_ranks_by_viewers() -> None:
    known = rollup()

    told = live.answer(NOW, known, viewers(known, short=9, long=5), LAG)

    assert (told["minute"], told["viewers"]) == ("2026-11-30T12:00:00Z", 7)
    assert len(told["minutes"]) == 60
    assert told["minutes"][-1] == {"minute": "2026-11-30T12:00:00Z", "viewers": 7}
    assert [each["title_id"] for each in told["titles"]] == ["short", "long"]
    assert told["titles"][0]["rebuffer_ratio"] == 0.016667
    assert told["quality"] == {
        "plays": 3,
        "watched_s": 1000,
        "rebuffer_ms": 5000,
        "errors": 1,
        "rebuffer_ratio": 0.005,
    }
    assert told["lag"] == {
        "counted_at": "2026-11-30T12:01:28Z",
        "silent_s": 2.0,
        "quietest_shard_s": 40.0,
        "behind_s": 1.2,
    }
    assert told["degraded"] == []


def test_without_redis_viewers_are_unknown_and_never_zero() -> None:
    told = live.answer(NOW, rollup(), None, LAG)

    assert told["viewers"] is None
    assert {each["viewers"] for each in told["minutes"]} == {None}
    assert [each["title_id"] for each in told["titles"]] == ["long", "short"]  # by watch time
    assert {each["viewers"] for each in told["titles"]} == {None}
    assert told["quality"]["plays"] == 3
    assert told["degraded"] == ["viewers"]


def test_a_minute_that_was_counted_and_that_redis_has_lost_is_unknown() -> None:
    known = rollup(minutes=2)
    counts = viewers(known) | {live.key(MINUTE): 0, live.key(MINUTE - 5 * live.MINUTE): 0}
    counts |= {live.key(MINUTE, "long"): 0}

    told = live.answer(NOW, known, counts, LAG)

    assert told["viewers"] is None
    assert told["degraded"] == ["viewers"]
    assert told["minutes"][-6]["viewers"] == 0  # nobody was counted there by anybody
    assert told["titles"][-1] == {"title_id": "long", "viewers": None, **Sums(1, 700).told()}


def test_without_the_database_viewers_are_known_and_nothing_else() -> None:
    told = live.answer(NOW, None, viewers(None), None)

    assert told["viewers"] == 7
    assert [told[each] for each in ("titles", "countries", "devices", "quality", "lag")] == (
        [None] * 5
    )
    assert told["degraded"] == ["rollups"]


def test_without_both_the_answer_says_so() -> None:
    assert live.answer(NOW, None, None, None)["degraded"] == ["viewers", "rollups"]


def test_a_platform_that_nobody_uses_has_zeros_and_no_ratio() -> None:
    quiet = rollup(minutes=0, total=Sums(), titles={}, countries={}, devices={})
    quiet = quiet._replace(counted_minutes=frozenset())

    told = live.answer(NOW, quiet, dict.fromkeys(live.keys(MINUTE, quiet), 0), None)

    assert (told["viewers"], told["degraded"]) == (0, [])
    assert told["quality"]["rebuffer_ratio"] is None
    assert set(told["lag"].values()) == {None}


def test_an_answer_is_found_once_while_it_is_fresh() -> None:
    now, found = [0.0], iter("ab")
    recently = Recently(5, lambda: now[0])

    def look() -> str:
        return recently.get("question", lambda: next(found))

    assert [look(), look()] == ["a", "a"]
    now[0] = 5.0
    assert look() == "b"


def test_an_answer_that_was_slow_to_find_is_kept_as_long_as_others() -> None:
    now, found = [0.0], iter("ab")
    recently = Recently(5, lambda: now[0])

    def slowly() -> str:
        now[0] += 8
        return next(found)

    assert recently.get("question", slowly) == recently.get("question", slowly) == "a"


def test_answers_are_not_kept_without_end() -> None:
    recently = Recently(5, lambda: 0.0)
    for number in range(1000):
        recently.get(number, lambda: "answer")

    assert len(recently._answers) == 256
