"""How long a client had to do without."""

from __future__ import annotations

import pytest

from chaos.attempts import Attempt, outage

FAULT = 100.0


def attempts(*moments: tuple[float, str], took: float = 0.01) -> list[Attempt]:
    return [Attempt(at - took, at, error) for at, error in moments]


def test_a_client_that_felt_nothing_was_served_all_the_time() -> None:
    found = outage(attempts((99, ""), (101, ""), (102, "")), FAULT)

    assert (found.first_failure, found.recovered, found.failed) == (None, FAULT, 0)


def test_it_recovers_with_the_first_answer_after_its_last_failure() -> None:
    told = attempts((99, ""), (101, "Reset"), (102, ""), (103, "Refused"), (105, ""), (106, ""))

    found = outage(told, FAULT)

    assert (found.first_failure, found.recovered, found.failed) == (101, 105, 2)
    assert found.errors == ("Refused", "Reset")


def test_it_has_not_recovered_while_the_last_thing_it_got_was_an_error() -> None:
    assert outage(attempts((99, ""), (101, ""), (102, "Reset")), FAULT).recovered is None


def test_failures_before_the_fault_are_not_its_doing() -> None:
    found = outage(attempts((98, "Reset"), (101, "")), FAULT)

    assert (found.first_failure, found.failed) == (None, 0)


def test_a_slow_answer_is_an_outage_that_ends_with_it() -> None:
    found = outage([Attempt(99.9, 104.0), Attempt(104.0, 104.1)], FAULT)

    assert (found.first_failure, found.recovered, found.failed) == (104, 104, 0)


def test_the_longest_pause_lies_between_two_answers() -> None:
    told = attempts((90, ""), (98, ""), (99, ""), (100.5, "Reset"), (103, ""), (104, ""))

    assert outage(told, FAULT).longest_pause_s == pytest.approx(4)


def test_what_fails_later_than_anybody_asks_is_another_outage() -> None:
    told = attempts((99, ""), (101, "Reset"), (103, ""), (120, "Reset"), (125, ""))

    found = outage(told, FAULT, until=110)

    assert (found.recovered, found.failed, found.longest_pause_s) == (103, 1, 4)
    assert outage(told, FAULT).recovered == 125
