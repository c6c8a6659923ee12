"""Questions about a title: what is taken, what is refused, and how pages follow each other."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import titles
from analytics.errors import BadQuestion
from analytics.live import Sums
from analytics.titles import MEASURES, Question

NOW = datetime(2026, 11, 30, 12, 34, 56, tzinfo=UTC)


def ask(title: str = "title-1", **given: str) -> Question:
    """`from` is a word of Python's: here it is `since`."""
    named = {{"since": "from"}.get(name, name): value for name, value in given.items()}
    return titles.ask(title, named, NOW, minute_days=30)


def cursor(*content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def test_without_more_the_last_hour_is_meant_by_minute_and_the_last_day_by_hour() -> None:
    by_minute, by_hour = ask(), ask(by="hour")

    assert by_minute.end == datetime(2026, 11, 30, 12, 35, tzinfo=UTC)
    assert by_minute.end - by_minute.start == timedelta(hours=1)
    assert by_hour.end == datetime(2026, 11, 30, 13, tzinfo=UTC)
    assert by_hour.end - by_hour.start == timedelta(days=1)


def test_a_range_is_widened_to_whole_minutes_and_hours_and_ends_now() -> None:
    given = {"since": "2026-11-30T10:30:30+01:00", "to": "2027-01-01T00:00:00Z"}

    assert ask(**given).start == datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
    assert ask(**given).end == datetime(2026, 11, 30, 12, 35, tzinfo=UTC)
    assert ask(by="hour", **given).start == datetime(2026, 11, 30, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"title": "a b"}, "Name the title by its id"),
        ({"title": "x" * 65}, "Name the title by its id"),
        ({"until": "2026-11-30T12:00:00Z"}, "Send by, from and to, or next alone"),
        ({"next": "x", "by": "hour"}, "next alone"),
        ({"by": "day"}, "by is minute or hour"),
        ({"since": "yesterday"}, "from is a time as in RFC 3339"),
        ({"since": "2026-11-30T10:00:00"}, "from is a time as in RFC 3339"),
        ({"to": "2026-02-30T10:00:00Z"}, "to is a time as in RFC 3339"),
        ({"to": "0001-01-01T00:00:00+23:59"}, "to is a time as in RFC 3339"),
        ({"to": "0001-01-01T00:30:00Z"}, "to is a time as in RFC 3339"),
        ({"since": "0001-01-01T00:00:00Z", "by": "hour"}, "from is a time as in RFC 3339"),
        ({"since": "2026-11-30T11:00:00Z", "to": "2026-11-30T11:00:00Z"}, "from must be before"),
        ({"since": "2026-12-30T11:00:00Z"}, "not in the future"),
        ({"since": "2026-11-20T11:00:00Z"}, "by=minute spans at most 7 days"),
        ({"since": "2025-11-20T11:00:00Z", "by": "hour"}, "by=hour spans at most 92 days"),
        (
            {"since": "2026-10-20T11:00:00Z", "to": "2026-10-20T12:00:00Z"},
            "Minutes are kept for 30 days: ask by=hour",
        ),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_what_to_send(
    given: dict[str, str], sentence: str
) -> None:
    with pytest.raises(BadQuestion, match=sentence):
        ask(**given)


@pytest.mark.parametrize(
    "forged",
    [
        *("", "!", "ä", "bnVsbA", cursor(), cursor("title-1"), cursor("title-1", "hour", 0, 60)),
        cursor("title-2", "minute", 0, 60, 0),
        cursor("title-1", "day", 0, 60, 0),
        cursor("title-1", ["minute"], 0, 60, 0),
        cursor("title-1", "hour", 30, 90, 30),
        cursor("title-1", "minute", 0, 60, 60),
        cursor("title-1", "minute", 0, 60, -1),
        cursor("title-1", "minute", 0, 7 * 1440 + 1, 0),
        cursor("title-1", "minute", 0, 10**30, 0),
        cursor("title-1", "minute", -60, 60, -60),
        cursor("title-1", "minute", 4223371440, 4223371679, 4223371440),
        cursor("title-1", "minute", 0.5, 60, 1),
        cursor("title-1", "minute", True, 60, 1),
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(forged: str) -> None:
    with pytest.raises(BadQuestion, match="next is not one of ours"):
        ask(next=forged)


@given(text=st.text(max_size=80))
def test_no_cursor_does_more_than_be_refused(text: str) -> None:
    with pytest.raises(BadQuestion):
        ask(next=text)


def test_the_pages_of_a_question_cover_it_once() -> None:
    question = ask(since="2026-11-25T00:00:00Z", to="2026-11-27T00:10:00Z")
    asked: list[datetime] = []
    while True:
        step = MEASURES[question.by].step
        asked += [
            question.at + step * number
            for number in range((question.page_end - question.at) // step)
        ]
        told = titles.answer(question, {})
        if "next" not in told:
            break
        question = ask(next=told["next"])
        assert not question.is_first

    assert asked[0] == datetime(2026, 11, 25, tzinfo=UTC)
    assert asked == [asked[0] + timedelta(minutes=number) for number in range(2 * 1440 + 10)]


def test_an_answer_has_its_points_in_order() -> None:
    first, second = NOW.replace(minute=0, second=0), NOW.replace(minute=1, second=0)

    told = titles.answer(ask(), {second: Sums(1, 0, 0, 1), first: Sums(2, 40, 1000, 0)})

    assert told == {
        "title_id": "title-1",
        "by": "minute",
        "from": "2026-11-30T11:35:00Z",
        "to": "2026-11-30T12:35:00Z",
        "points": [
            {
                "at": "2026-11-30T12:00:00Z",
                **Sums(2, 40, 1000, 0)._asdict(),
                "rebuffer_ratio": 0.025,
            },
            {"at": "2026-11-30T12:01:00Z", **Sums(1, 0, 0, 1)._asdict(), "rebuffer_ratio": None},
        ],
    }
