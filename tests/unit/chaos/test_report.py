"""What was given up on purpose stands beside what was lost, never in it."""

from __future__ import annotations

from dataclasses import replace

from chaos import report
from chaos.result import Result

RESULT = Result("table-dropped", waited_for_alarms=True, acknowledged=1_000)


def cells(result: Result) -> dict[str, str]:
    return dict(zip(report.COLUMNS[:6], report.row(result)[:6], strict=True))


def test_each_column_has_its_cell() -> None:
    assert len(report.row(RESULT)) == len(report.COLUMNS)


def test_what_was_given_up_is_told_with_its_seconds() -> None:
    told = cells(replace(RESULT, given_up=30, rpo_s=1.5))

    assert (told["lost"], told["given up"]) == ("0 of 1,000", "30 in 1.5 s")


def test_where_nothing_was_to_be_given_up_there_is_no_number() -> None:
    assert cells(RESULT)["given up"] == "-"
