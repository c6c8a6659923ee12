"""What the API tells of what the consumer has counted, from a real reader and a real cluster."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.eventually import eventually
from tests.integration.tap import Tap
from tests.playback import batch, event, events, expected_rows, plain

if TYPE_CHECKING:
    from redis.cluster import RedisCluster

    from tests.integration.analytics.conftest import Cloud, Consumer, Table
    from tests.integration.analytics.screen import Screen
    from tests.integration.conftest import Database, Servers
    from tests.playback import Event

NOON = datetime(2025, 11, 23, 12, tzinfo=UTC)
SOON = 10
"""Seconds within which a reader has what the writer has."""


@pytest.fixture(autouse=True)
def clean(redis_ops: RedisCluster) -> None:
    for key in list(redis_ops.scan_iter("live:*")):
        redis_ops.delete(key)


def crowd(count: int, at: datetime, people: int = 200) -> list[Event]:
    """Events of one minute, of people who come back."""
    rng = random.Random(7)
    known = [event()["account_id"] for _ in range(people)]
    items = events(count, titles=20)
    return [
        item
        | {"ts": f"{at:%Y-%m-%dT%H:%M}:{rng.randrange(60):02d}Z"}
        | {"account_id": rng.choice(known)}
        for item in items
    ]


def audiences(items: list[Event], field: str) -> dict[str, int]:
    watching: dict[str, set[str]] = defaultdict(set)
    for item in items:
        watching[item[field]].add(item["account_id"])
    return {name: len(accounts) for name, accounts in watching.items()}


def sums(items: list[Event], **of: str) -> dict[str, Any]:
    chosen = [each for each in items if all(each[key] == it for key, it in of.items())]
    rows = list(expected_rows(chosen).values())
    plays, watched, waited, errors = (sum(column) for column in zip(*rows, strict=True))
    return {
        "plays": plays,
        "watched_s": watched,
        "rebuffer_ms": waited,
        "errors": errors,
        "rebuffer_ratio": round(waited / (watched * 1000), 6) if watched else None,
    }


def test_now_is_the_last_complete_minute_in_numbers_of_both_stores(
    consumer: Consumer, screen: Screen
) -> None:
    items = crowd(3000, NOON)
    consumer(batch(plain(items, arrival=NOON + timedelta(seconds=70))))
    screen.now = NOON + timedelta(seconds=80)

    told = eventually(screen.live, SOON, lambda it: it["quality"]["plays"])

    assert told["minute"] == "2025-11-23T12:00:00Z"
    assert told["degraded"] == []
    assert told["quality"] == sums(items)
    assert told["viewers"] == pytest.approx(len({it["account_id"] for it in items}), rel=0.04)
    assert told["minutes"][-1]["viewers"] == told["viewers"]
    assert {each["viewers"] for each in told["minutes"][:-1]} == {0}
    truth = audiences(items, "title_id")
    assert len(told["titles"]) == 10
    for each in told["titles"]:
        assert each["viewers"] == pytest.approx(truth[each["title_id"]], rel=0.04, abs=1)
        assert each["watched_s"] == sums(items, title_id=each["title_id"])["watched_s"]
    shown = [each["viewers"] for each in told["titles"]]
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == pytest.approx(max(truth.values()), rel=0.04)
    for name, field in (("countries", "country"), ("devices", "device")):
        assert {each[field]: each["viewers"] for each in told[name]} == {
            key: pytest.approx(number, rel=0.04, abs=1)
            for key, number in audiences(items, field).items()
        }


def test_the_lag_is_how_long_the_newest_records_waited(consumer: Consumer, screen: Screen) -> None:
    assert screen.live()["lag"]["counted_at"] is None
    came = datetime.now(UTC) - timedelta(seconds=30)

    consumer(batch(plain([event(at=came)], arrival=came)))

    lag = eventually(lambda: screen.live()["lag"], SOON, lambda it: it["counted_at"])
    assert lag["behind_s"] == pytest.approx(30, abs=10)
    assert lag["silent_s"] < 10
    assert lag["quietest_shard_s"] < 10


def test_without_redis_viewers_are_unknown_and_the_rest_is_told(
    consumer: Consumer, screen: Screen, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = crowd(50, NOON)
    consumer(batch(plain(items, arrival=NOON + timedelta(seconds=70))))
    screen.now = NOON + timedelta(seconds=80)
    eventually(screen.live, SOON, lambda it: it["quality"]["plays"])
    with Tap(f"{servers.redis.host}:{servers.redis.port}") as nobody:
        nobody.close()
        monkeypatch.setenv("REDIS_PORT", nobody.address.rpartition(":")[2])
        screen.restart()

        told = screen.live()

    assert told["viewers"] is None
    assert {each["viewers"] for each in told["minutes"] + told["titles"]} == {None}
    assert told["degraded"] == ["viewers"]
    assert told["quality"] == sums(items)


def test_what_redis_has_lost_is_unknown(
    consumer: Consumer, screen: Screen, redis_ops: RedisCluster
) -> None:
    consumer(batch(plain(crowd(50, NOON), arrival=NOON + timedelta(seconds=70))))
    screen.now = NOON + timedelta(seconds=80)
    eventually(screen.live, SOON, lambda it: it["viewers"] and it["quality"]["plays"])

    redis_ops.delete("live:2025-11-23T12:00Z")

    assert (screen.live()["viewers"], screen.live()["degraded"]) == (None, ["viewers"])


def test_without_the_reader_viewers_are_told_and_a_title_is_not_now(
    consumer: Consumer, screen: Screen, cloud: Cloud, servers: Servers
) -> None:
    consumer(batch(plain(crowd(50, NOON), arrival=NOON + timedelta(seconds=70))))
    screen.now = NOON + timedelta(seconds=80)
    with Tap(servers.postgres.reader) as nobody:
        nobody.close()
        cloud.note("reader", nobody.address)

        told = screen.live()
        code, body, headers = screen("/analytics/titles/title-00001")

    assert told["viewers"] > 0
    assert (told["quality"], told["degraded"]) == (None, ["rollups"])
    assert (code, body["error"]) == (503, "NOT_NOW")
    assert (headers["Retry-After"], headers["Cache-Control"]) == ("5", "no-store")


def test_a_title_is_told_by_minute_and_by_hour(consumer: Consumer, screen: Screen) -> None:
    minutes = [NOON + timedelta(minutes=number) for number in (0, 1, 59, 60)]
    items = [
        event(kind, at=at, title_id=name, country=country, watched_s=20, rebuffer_ms=50)
        for at in minutes
        for kind in ("play_start", "heartbeat", "error")
        for country in ("DE", "FR")
        for name in ("asked", "other")
    ]
    consumer(batch(plain(items, arrival=NOON + timedelta(hours=2))))
    screen.now = NOON + timedelta(hours=2)
    span = {"since": "2025-11-23T12:00:00Z", "to": "2025-11-23T14:00:00Z"}

    told = eventually(lambda: screen.title("asked", **span), SOON, lambda it: it["points"])

    of_one = {
        "plays": 2,
        "watched_s": 120,
        "rebuffer_ms": 300,
        "errors": 2,
        "rebuffer_ratio": 0.0025,
    }
    assert told["points"] == [{"at": f"{at:%Y-%m-%dT%H:%M:%SZ}", **of_one} for at in minutes]
    by_hour = screen.title("asked", by="hour", **span)["points"]
    assert [(each["at"], each["plays"]) for each in by_hour] == [
        ("2025-11-23T12:00:00Z", 6),
        ("2025-11-23T13:00:00Z", 2),
    ]


def test_pages_follow_each_other(database: Database, screen: Screen) -> None:
    database.do(
        "analytics_owner",
        "INSERT INTO analytics.title_minute"
        " SELECT at, 'asked', 'DE', 'tv', 1, 1, 1, 1"
        "   FROM generate_series(%s::timestamptz, %s, interval '1 minute') AS at",
        (NOON, NOON + timedelta(minutes=999)),
    )
    screen.now = NOON + timedelta(days=1)
    span = {"since": "2025-11-23T12:00:00Z", "to": "2025-11-24T12:00:00Z"}
    page = eventually(
        lambda: screen.title("asked", **span), SOON, lambda it: len(it["points"]) == 720
    )

    points = page["points"] + screen.title("asked", next=page["next"])["points"]

    assert len({each["at"] for each in points}) == len(points) == 1000
    assert "next" not in screen.title("asked", next=page["next"])


def test_an_unknown_title_is_404_and_one_that_nobody_watched_is_not(
    database: Database, screen: Screen, table: Table
) -> None:
    del table
    database.do(
        "catalog_owner",
        "INSERT INTO catalog.title (title_id, kind, name, genre, duration_s)"
        " VALUES ('unwatched', 'film', 'A film', 'drama', 5400) ON CONFLICT DO NOTHING",
    )

    code, body, _ = screen("/analytics/titles/nowhere")

    assert (code, body["error"], body["requestId"]) == (404, "UNKNOWN_TITLE", "the-request")
    eventually(lambda: screen("/analytics/titles/unwatched")[0], SOON, lambda it: it == 200)
    assert screen.title("unwatched")["points"] == []


def test_a_bad_question_is_told_what_to_send(screen: Screen) -> None:
    code, body, headers = screen("/analytics/titles/title-1", by="day")

    assert (code, body["error"], body["message"]) == (400, "BAD_QUESTION", "by is minute or hour.")
    assert headers["Cache-Control"] == "no-store"


def test_an_answer_may_be_kept_for_some_seconds_and_is(database: Database, screen: Screen) -> None:
    screen.remembers = True

    _, first, headers = screen("/analytics/live")
    _, second, _ = screen("/analytics/live")

    assert headers["Cache-Control"] == "private, max-age=5"
    assert first["at"] == second["at"]


def test_the_reader_is_asked_and_not_the_writer(
    screen: Screen, cloud: Cloud, servers: Servers
) -> None:
    with Tap(servers.postgres.writer) as nobody:
        nobody.close()
        cloud.note("writer", nobody.address)

        assert screen.live()["degraded"] == []
