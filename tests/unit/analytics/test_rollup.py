"""The rules of counting, against a second telling of them."""

from __future__ import annotations

from analytics.decode import Decoded, by_minute, decode
from analytics.envelope import Batch
from analytics.rollup import RECENT_EVENTS, Sifted, roll_up, sift
from tests import playback


def decoded(items: list[playback.Event]) -> Decoded:
    return decode(Batch.from_event(playback.batch(playback.plain(items))).records)


def sifted(items: list[playback.Event], watermark: int = 0, recent: bytes = b"") -> Sifted:
    batch = decoded(items)
    return sift(batch, watermark, recent)


def test_sums_are_what_the_rules_say() -> None:
    items = playback.events(3000)

    cells = {
        (minute, *cell): tuple(sums)
        for minute, some in decoded(items).minutes.items()
        for cell, sums in roll_up(some).items()
    }

    assert cells == playback.expected_rows(items)
    assert len(cells) < 3000


def test_events_of_one_minute_are_all_of_them() -> None:
    events = decoded([playback.event() for _ in range(3)]).events

    assert by_minute(events) == {"2025-11-23T12:00": events}
    assert by_minute([]) == {}


def test_an_event_that_comes_twice_in_a_batch_counts_once() -> None:
    items = playback.events(100)

    result = sifted([*items, *items[:30], items[0]])

    assert len(result.fresh.events) == 100
    assert result.duplicates == 31


def test_an_event_that_came_in_an_earlier_batch_counts_once() -> None:
    items = playback.events(50)
    first = sifted(items[:30])

    second = sifted(items[20:], recent=first.recent())

    assert [str(event.event_id) for event in second.fresh.events] == [
        item["event_id"] for item in items[30:]
    ]
    assert second.duplicates == 10


def test_an_event_is_remembered_for_4096_events() -> None:
    item = playback.event()
    others = playback.events(RECENT_EVENTS)

    within = sifted(others[:-1], recent=sifted([item]).recent())
    beyond = sifted(others, recent=sifted([item]).recent())

    assert sifted([item], recent=within.recent()).duplicates == 1
    assert sifted([item], recent=beyond.recent()).duplicates == 0
    assert len(beyond.recent()) == RECENT_EVENTS * 8


def test_a_duplicate_is_remembered_like_any_event() -> None:
    item = playback.event()
    some = sifted(playback.events(3000, seed=1), recent=sifted([item]).recent())
    again = sifted([item], recent=some.recent())
    more = sifted(playback.events(3000, seed=2), recent=again.recent())

    assert sifted([item], recent=more.recent()).duplicates == 1


def test_records_up_to_the_watermark_count_for_nothing() -> None:
    batch = decoded(playback.events(10))
    watermark = batch.places[6][0]

    result = sift(batch, watermark, b"")

    assert result.fresh.places == [*batch.places[7:]]
    assert result.duplicates == 0
    assert len(result.recent()) == 3 * 8


def test_halves_are_the_whole() -> None:
    fresh = sifted(playback.events(7)).fresh
    first, second = fresh.halves()

    assert [*first.events, *second.events] == [*fresh.events]
    assert [*first.places, *second.places] == [*fresh.places]
    assert len(first.events) == 3


def test_an_event_that_was_refused_is_not_remembered() -> None:
    items = playback.events(5)
    first = sifted(items)

    recent = first.recent({first.fresh.places[2]})

    assert sifted([items[1], items[3]], recent=recent).duplicates == 2
    assert sifted([items[2]], recent=recent).duplicates == 0
