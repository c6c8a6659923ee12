"""Who watched what, without saying who; and what happens while Redis is away."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest

from analytics import hyperloglog
from analytics.decode import decode
from analytics.envelope import Batch
from analytics.viewers import REST_SECONDS, RecentViewers, Viewers, audiences
from streamflix.errors import RedisUnreachable, SecretMalformed
from tests import playback


def decoded(items: list[playback.Event]) -> Any:
    return decode(Batch.from_event(playback.batch(playback.plain(items))).records).minutes


def test_every_account_is_a_viewer_of_four_keys() -> None:
    items = playback.events(500)
    items += [playback.event(account_id=items[0]["account_id"]) for _ in range(5)]
    truth: dict[str, set[str]] = defaultdict(set)
    for item in items:
        minute = f"live:{item['ts'][:16]}Z"
        for key in ("", f":{item['title_id']}", f":c:{item['country']}", f":d:{item['device']}"):
            truth[minute + key].add(item["account_id"])

    found = dict(audiences(decoded(items)))

    assert {key: len(set(members)) for key, members in found.items()} == {
        key: len(members) for key, members in truth.items()
    }


def test_a_member_is_eight_bytes_and_not_the_account() -> None:
    item = playback.event()
    members = set().union(*dict(audiences(decoded([item]))).values())

    assert len(members) == 1
    [member] = members
    assert len(member) == hyperloglog.MEMBER_BYTES
    account = item["account_id"].replace("-", "")
    assert member.hex() not in account
    assert member[::-1].hex() not in account


class Redis:
    """Fails as told; counts how often it was asked."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.asked = 0

    def run(self, act: Any) -> None:
        self.asked += 1
        if self.trouble:
            raise self.trouble


@pytest.mark.parametrize(
    "trouble", [RedisUnreachable("away"), SecretMalformed("no JSON"), IndexError("a fault of ours")]
)
def test_redis_in_trouble_is_left_alone_for_a_while(trouble: Exception) -> None:
    now = 100.0
    redis: Any = Redis(trouble)
    viewers = Viewers(redis, clock=lambda: now)
    minutes = decoded(playback.events(3))

    assert not viewers.add(minutes)
    now += REST_SECONDS - 1
    assert not viewers.add(minutes)
    assert redis.asked == 1

    redis.trouble, now = None, now + 1
    assert viewers.add(minutes)
    assert redis.asked == 2


def test_without_events_redis_is_not_asked() -> None:
    redis: Any = Redis()
    assert Viewers(redis).add({})
    assert redis.asked == 0


def test_minutes_are_those_of_the_events_and_not_of_their_arrival() -> None:
    late = playback.event(at=playback.NOON - timedelta(minutes=20))

    assert "live:2025-11-23T11:40Z" in dict(audiences(decoded([late])))


class Kept:
    """The events that were to be added."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def add(self, minutes: Any, accounts: bytes = b"") -> bool:
        self.accounts = accounts
        for some in minutes.values():
            self.events += some
        return True


def test_a_replay_adds_no_viewers_to_minutes_whose_keys_have_expired() -> None:
    """At 14:00:30, two hours after the minute of noon began."""
    moments = [playback.NOON + timedelta(minutes=minutes) for minutes in (-60, -1, 0, 1)]
    kept, now = Kept(), playback.NOON + timedelta(hours=2)

    assert RecentViewers(kept, now.timestamp).add(
        decoded([playback.event(at=moment) for moment in moments])
    )

    assert [event.ts[:16] for event in kept.events] == ["2025-11-23T12:00", "2025-11-23T12:01"]


def test_accounts_that_are_known_by_now_are_those_of_the_minute() -> None:
    items = [playback.event(at=playback.NOON) for _ in range(50)]
    batch = decode(Batch.from_event(playback.batch(playback.plain(items))).records)
    assert len(batch.minutes) == 1
    assert batch.accounts
    assert dict(audiences(batch.minutes, batch.accounts)) == dict(audiences(batch.minutes))

    for moment, given in ((playback.NOON, batch.accounts), (playback.NOON + timedelta(1), b"")):
        kept = Kept()
        RecentViewers(kept, moment.timestamp).add(batch.minutes, batch.accounts)
        assert kept.accounts == given


def test_accounts_of_several_minutes_are_not_known() -> None:
    items = [playback.event(at=playback.NOON + timedelta(minutes=n % 3)) for n in range(9)]

    assert not decode(Batch.from_event(playback.batch(playback.plain(items))).records).accounts
