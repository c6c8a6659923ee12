"""A deadline counts down on the clock that it is given."""

from __future__ import annotations

from streamflix.deadline import Deadline


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def test_time_runs_out_a_share_before_the_end() -> None:
    now = 100.0
    deadline = Deadline.of(Context(), clock=lambda: now)

    assert deadline.remaining_seconds() == 60
    now = 140.0
    assert deadline.remaining_seconds() == 20
    assert deadline.seconds_until(0.2) == 8
    now = 150.0
    assert deadline.seconds_until(0.2) == -2
