"""A row that people gave up is told apart from one that is lost, and never hides one."""

from __future__ import annotations

from chaos.losses import Losses, reckon

TARGET, FAULT = 100.0, 102.0


def test_a_row_from_before_the_target_is_lost_whatever_was_given_up() -> None:
    assert reckon([99.9], (TARGET, FAULT)) == Losses(lost=1, given_up=0)


def test_a_row_that_was_acknowledged_at_the_target_is_in_the_copy_or_lost() -> None:
    assert reckon([TARGET], (TARGET, FAULT)) == Losses(lost=1, given_up=0)


def test_rows_between_target_and_fault_are_given_up() -> None:
    assert reckon([100.1, 101.0, FAULT], (TARGET, FAULT)) == Losses(lost=0, given_up=3)


def test_a_row_that_the_copy_itself_acknowledged_is_lost() -> None:
    assert reckon([101.0, 130.0], (TARGET, FAULT)) == Losses(lost=1, given_up=1)


def test_where_nothing_was_given_up_everything_that_is_missing_is_lost() -> None:
    assert reckon([99.0, 101.0], None) == Losses(lost=2, given_up=0)
