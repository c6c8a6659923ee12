"""A game day passes only if something was hurt, everything came back, and nothing is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaos.bars import Bars, missed
from chaos.result import Result

BARS = Bars("writes", writes_s=10, incident=True, alarm="writes-failing", alarm_s=120, page="down")
GOOD = Result(
    "a scenario",
    waited_for_alarms=True,
    writes_s=4,
    reads_s=1,
    cache_s=0,
    felt=("writes",),
    acknowledged=100,
    events=100,
    caught_up_s=3,
    cause="rds: failover",
    timeline=((60, "alarm writes-failing is red"), (61, "page: down is ALARM")),
)


def test_what_met_every_bar_missed_none() -> None:
    assert missed(GOOD, BARS) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"felt": ("reads",)}, "writes felt nothing of it"),
        ({"writes_s": 10.1}, "writes came back after 10.1 s, not 10 s"),
        ({"cache_s": None}, "the cache did not come back"),
        ({"caught_up_s": None}, "the count of events did not come back"),
        ({"lost": 1}, "1 acknowledged transactions are lost"),
        ({"events_lost": 2}, "2 events are lost"),
        ({"events_duplicated": 3}, "3 events are counted twice"),
        ({"rows_differ": 4}, "4 rows of counts differ"),
        ({"acknowledged": 0}, "there was nothing to compare"),
        ({"events": 0}, "there was nothing to compare"),
        ({"adoption_s": 0.1}, "writes, in the adoption, came back after 0.1 s, not 0 s"),
        ({"cause": ""}, "no incident with a cause is on record"),
        ({"timeline": ((61, "page: down is ALARM"),)}, "alarm writes-failing did not turn red"),
        ({"timeline": ((60, "alarm writes-failing is red"),)}, "down did not page"),
        ({"trouble": "it was not steady"}, "it was not steady"),
    ],
)
def test_each_bar_can_be_missed(changes: dict[str, object], sentence: str) -> None:
    assert missed(replace(GOOD, **changes), BARS) == [sentence]  # type: ignore[arg-type]


def test_an_alarm_that_is_late_is_missed() -> None:
    late = ((121.0, "alarm writes-failing is red"), (122.0, "page: down is ALARM"))

    assert missed(replace(GOOD, timeline=late), BARS) == [
        "alarm writes-failing was red after 121 s, not 120 s"
    ]


def test_who_did_not_wait_for_alarms_is_not_asked_about_them() -> None:
    quick = replace(GOOD, waited_for_alarms=False, cause="", timeline=())

    assert missed(quick, BARS) == []


def test_what_was_given_up_on_purpose_misses_no_bar() -> None:
    assert missed(replace(GOOD, given_up=30, rpo_s=1.5), BARS) == []
