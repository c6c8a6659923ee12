"""An alarm turns red when CloudWatch's would: the tables of its User Guide, and the periods."""

from __future__ import annotations

from typing import Any

import pytest

from local.alarm_rules import ALARM, INSUFFICIENT, OK, Rule, in_periods, window_end

BAD, GOOD, NONE = 9.0, 1.0, None
SIGNS = {"X": BAD, "0": GOOD, "-": NONE}
STAYS = None
MODES = ("missing", "ignore", "breaching", "notBreaching")

THREE_OF_THREE = [
    ("0-X-X", (OK, OK, OK, OK)),
    ("0----", (OK, OK, OK, OK)),
    ("-----", (INSUFFICIENT, STAYS, ALARM, OK)),
    ("0XX-X", (ALARM, ALARM, ALARM, ALARM)),
    ("--X--", (ALARM, STAYS, ALARM, OK)),
]
TWO_OF_THREE = [
    ("0-X-X", (ALARM, ALARM, ALARM, ALARM)),
    ("00X0X", (ALARM, ALARM, ALARM, ALARM)),
    ("0-X--", (OK, OK, ALARM, OK)),
    ("----0", (OK, OK, ALARM, OK)),
    ("---X-", (ALARM, STAYS, ALARM, OK)),
]


def rule(to_alarm: int = 3, missing: str = "missing", **changes: Any) -> Rule:
    alarm = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 5, "EvaluationPeriods": 3}
    return Rule.of(alarm | {"DatapointsToAlarm": to_alarm, "TreatMissingData": missing} | changes)


def values(signs: str) -> list[float | None]:
    return [SIGNS[sign] for sign in signs]


@pytest.mark.parametrize(
    ("to_alarm", "signs", "states"),
    [(3, *row) for row in THREE_OF_THREE] + [(2, *row) for row in TWO_OF_THREE],
)
def test_missing_data_counts_as_in_the_guide_s_tables(
    to_alarm: int, signs: str, states: tuple[str | None, ...]
) -> None:
    judged = tuple(rule(to_alarm, mode).judge(values(signs)).state for mode in MODES)

    assert judged == states


@pytest.mark.parametrize("signs", ["----X", "---X-"])
def test_a_lone_bad_datapoint_that_is_young_is_not_yet_an_alarm(signs: str) -> None:
    assert rule(3).judge(values(signs)).state != ALARM


def test_the_range_is_two_periods_longer_than_n() -> None:
    assert rule(3).range == 5
    assert rule(1, EvaluationPeriods=1).range == 3


def test_without_m_all_n_must_be_bad() -> None:
    alarm = {"ComparisonOperator": "LessThanThreshold", "Threshold": 5, "EvaluationPeriods": 2}

    assert Rule.of(alarm).judge([None, None, GOOD, BAD]).state == OK
    assert Rule.of(alarm).judge([None, None, GOOD, GOOD]).state == ALARM


@pytest.mark.parametrize(
    ("comparison", "bad"),
    [
        ("GreaterThanThreshold", (6,)),
        ("GreaterThanOrEqualToThreshold", (5, 6)),
        ("LessThanThreshold", (4,)),
        ("LessThanOrEqualToThreshold", (4, 5)),
    ],
)
def test_each_comparison_has_its_edge(comparison: str, bad: tuple[int, ...]) -> None:
    judge = rule(1, EvaluationPeriods=1, ComparisonOperator=comparison).judge

    assert tuple(value for value in (4, 5, 6) if judge([value]).state == ALARM) == bad


def test_the_reason_tells_what_was_seen_and_what_was_missing() -> None:
    assert "[9.0]" in rule(2, "breaching").judge(values("---X-")).reason
    assert "2 missing treated as [Breaching]" in rule(2, "breaching").judge(values("---X-")).reason
    assert rule(3).judge(values("-----")).reason == "Insufficient Data: 3 datapoints were unknown."


def test_periods_end_with_the_minute_and_shorter_ones_with_themselves() -> None:
    assert window_end(1_000_019.9, 60) == 999_960
    assert window_end(1_000_019.9, 300) == 999_960  # slides by the minute
    assert window_end(1_000_019.9, 10) == 1_000_010


def test_a_point_belongs_to_the_period_that_it_begins() -> None:
    points = [{"Timestamp": moment} for moment in (69.9, 70, 79.9, 80, 89.9, 90, 99)]

    found = in_periods(points, end=90, period=10, count=2)

    assert [[point["Timestamp"] for point in each] for each in found] == [[70, 79.9], [80, 89.9]]
