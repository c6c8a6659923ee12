"""Infrastructure is waited for, within the time that the invocation has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from analytics.patience import persist
from streamflix.deadline import Deadline
from streamflix.errors import DatabaseUnreachable, DataRefused, Retryable
from tests.clocks import Time

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def time() -> Time:
    return Time()


def failing_until(time: Time, moment: float, error: Exception) -> Callable[[], str]:
    def act() -> str:
        if time.now < moment:
            raise error
        return "done"

    return act


def test_it_goes_on_until_infrastructure_is_back(time: Time) -> None:
    act = failing_until(time, 30, DatabaseUnreachable("away"))

    assert persist(act, Deadline(60, 60, time), time.sleep) == "done"
    assert 30 <= time.now < 34


def test_it_gives_up_when_a_fifth_of_the_time_is_left(time: Time) -> None:
    act = failing_until(time, 59, DatabaseUnreachable("away"))

    with pytest.raises(Retryable, match="away"):
        persist(act, Deadline(60, 60, time), time.sleep)

    assert 44 <= time.now <= 48


def test_what_time_does_not_heal_is_raised_at_once(time: Time) -> None:
    act = failing_until(time, 1, DataRefused("never"))

    with pytest.raises(DataRefused):
        persist(act, Deadline(60, 60, time), time.sleep)

    assert time.now == 0
