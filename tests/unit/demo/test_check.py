"""A check that finds nothing to compare, or anything that differs, is not ok."""

from __future__ import annotations

from typing import Any

import pytest

from demo import check
from demo.check import Before
from demo.day import Mark, Record
from demo.producer import Ledger, Place, Spot
from demo.rejects import Pointers
from demo.truth import Cell, History, HistoryKey, Truth

CELL = Cell("2025-11-23T03:00", "title-1", "DE", "tv")
OTHER = Cell("2025-11-23T03:00", "title-2", "DE", "tv")
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
NOTHING = Before({}, [0, 0, 0, 0])


class Cursor:
    """Answers every query with the same rows."""

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self.rows = rows

    def execute(self, *_: object) -> None: ...

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


@pytest.fixture
def truth() -> Truth:
    return Truth(
        set(), rows={CELL: [2, 60, 0, 1]}, viewers={CELL.minute: set(map(str, range(100)))}
    )


@pytest.mark.parametrize(
    ("after", "ok"),
    [
        ({CELL: [2, 60, 0, 1]}, True),
        ({CELL: [2, 61, 0, 1]}, False),
        ({CELL: [2, 60, 0, 1], OTHER: [0, 30, 0, 0]}, False),
        ({}, False),
    ],
)
def test_rows_must_be_equal_and_no_row_may_be_too_many(
    truth: Truth, after: check.Rows, ok: bool
) -> None:
    assert check.rollups(NOTHING, Before(after, [0, 0, 0, 0]), truth).ok is ok


def test_a_row_of_nothing_but_zeros_must_be_there_too() -> None:
    zeros = Truth(set(), rows={CELL: [0, 0, 0, 0]})

    assert not check.rollups(NOTHING, NOTHING, zeros).ok
    assert check.rollups(NOTHING, Before({CELL: [0, 0, 0, 0]}, []), zeros).ok


def test_what_was_counted_before_is_no_part_of_the_day(truth: Truth) -> None:
    before = Before({CELL: [1, 5, 7, 0], OTHER: [9, 9, 9, 9]}, [10, 14, 16, 9])
    after = Before({CELL: [3, 65, 7, 1], OTHER: [9, 9, 9, 9]}, [12, 74, 16, 10])

    assert check.rollups(before, after, truth).ok
    assert check.totals(before, after, truth).ok


def test_a_day_without_rows_proves_nothing() -> None:
    assert not check.rollups(NOTHING, NOTHING, Truth(set())).ok


def test_an_event_counted_in_another_minute_shows_in_the_sums(truth: Truth) -> None:
    assert not check.totals(NOTHING, Before({}, [2, 60, 0, 2]), truth).ok


def viewers_of(minutes: int, audience: int) -> Truth:
    accounts = set(map(str, range(audience)))
    return Truth(set(), viewers={f"2025-11-23T03:{n:02d}": accounts for n in range(minutes)})


@pytest.mark.parametrize(
    ("estimate", "ok"), [(1_000, True), (1_030, True), (970, True), (1_031, False), (969, False)]
)
def test_one_minute_may_be_off_by_three_percent_either_way(estimate: int, ok: bool) -> None:
    truth = viewers_of(minutes=60, audience=1_000)
    counted = dict.fromkeys(truth.viewers, 1_000) | {"2025-11-23T03:07": estimate}

    assert check.viewers(counted, truth).ok is ok


@pytest.mark.parametrize("estimate", [985, 1_015])
def test_all_minutes_together_may_not_be_off_by_more_than_one_percent(estimate: int) -> None:
    truth = viewers_of(minutes=60, audience=1_000)

    assert not check.viewers(dict.fromkeys(truth.viewers, estimate), truth).ok


def test_history_must_say_what_the_stop_said() -> None:
    key = HistoryKey("profile", "session")
    stop = History("title-1", "2025-11-23T03:01:10.500Z", 69, 9, "tv")
    truth = Truth(set(), history={key: stop})

    assert check.history(Cursor([(*key, *stop)]), truth).ok
    assert not check.history(Cursor([]), truth).ok
    assert not check.history(Cursor([(*key, *stop._replace(position_s=70))]), truth).ok


@pytest.fixture
def ledger() -> Ledger:
    """Two records: one with a malformed event, one that is fine."""
    ledger = Ledger()
    ledger.note(Record("a", b"", (), (Mark("NUL", 4),), 9), Place("s", 10), 0.0)
    ledger.note(Record("a", b"", (), (), 9), Place("s", 20), 0.0)
    return ledger


def test_each_malformed_event_needs_its_pointer(ledger: Ledger) -> None:
    finding, kinds = check.rejects(ledger, Pointers(1, {Spot("s", 10, 4): "database"}))

    assert finding.ok
    assert kinds == [check.Kind("NUL", 1, 1, "database")]
    assert not check.rejects(ledger, Pointers())[0].ok
    assert not check.rejects(ledger, Pointers(1, {Spot("s", 10, 5): "database"}))[0].ok


def test_a_good_event_must_have_none(ledger: Ledger) -> None:
    reasons = {Spot("s", 10, 4): "database", Spot("s", 20, 0): "invalid"}

    finding, _ = check.rejects(ledger, Pointers(1, reasons))

    assert finding.differences == [
        "a good event was rejected as invalid: number 0 in the record at s 20"
    ]


def test_pointers_of_an_earlier_day_are_left_alone(ledger: Ledger) -> None:
    reasons = {Spot("s", 10, 4): "database", Spot("s", 5, None): "undecodable"}

    assert check.rejects(ledger, Pointers(1, reasons))[0].ok


def test_the_first_day_plays_the_hour_up_to_now() -> None:
    assert check.free_until_ms(Cursor([]), 30 * HOUR_MS, HOUR_MS, 23 * HOUR_MS) == 30 * HOUR_MS


def test_the_next_day_plays_the_latest_hour_in_which_nothing_was_counted() -> None:
    now_ms = 30 * HOUR_MS + 5 * MINUTE_MS
    played = [(minute,) for minute in range(29 * 60, 30 * 60 + 1)]

    until_ms = check.free_until_ms(Cursor(played), now_ms, HOUR_MS, 23 * HOUR_MS)

    assert until_ms == 29 * HOUR_MS - 1


def test_a_day_full_of_days_has_no_hour_left() -> None:
    played = [(minute,) for minute in range(31 * 60)]

    assert check.free_until_ms(Cursor(played), 30 * HOUR_MS, HOUR_MS, 23 * HOUR_MS) is None
