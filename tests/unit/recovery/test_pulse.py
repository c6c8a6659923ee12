"""From when to when writes failed, and whether one that was acknowledged is gone."""

from __future__ import annotations

import pytest

from recovery.pulse import Beat, Pulse


def beat(number: int, at: float) -> Beat:
    return Beat(number, at, at)


def test_beats_that_follow_each_other_are_no_incident() -> None:
    pulse = Pulse()
    assert [pulse.succeed(beat(n, float(n))) for n in (1, 2, 3)] == [None, None, None]
    assert (pulse.acknowledged, pulse.refused) == (3, 0)


def test_an_incident_begins_with_the_last_write_and_ends_with_the_next() -> None:
    pulse = Pulse()
    pulse.succeed(beat(7, 100.0))

    begun = pulse.fail(101.5, "DatabaseUnreachable")
    assert pulse.fail(102.5, "DatabaseUnreachable") is None
    ended = pulse.succeed(beat(8, 104.0))

    assert begun
    assert ended
    assert begun.name == ended.name
    assert (ended.started_at, ended.detected_at, ended.first_write_at) == (100.0, 101.5, 104.0)
    assert (ended.recovery_seconds, ended.lost_beats) == (4.0, 0)
    assert pulse.incident is None


def test_one_that_began_before_anything_was_known_begins_with_its_first_failure() -> None:
    pulse = Pulse()
    pulse.fail(50.0, "AddressUnknown")
    ended = pulse.succeed(beat(8, 60.0))
    assert ended
    assert ended.started_at == 50.0


@pytest.mark.parametrize(
    ("next_number", "lost"),
    [
        (8, 0),
        (9, 0),  # one was committed and its answer got lost
        (7, 1),  # the seventh was acknowledged, and is counted again
        (3, 5),
    ],
)
def test_acknowledged_beats_that_are_gone_are_counted(next_number: int, lost: int) -> None:
    pulse = Pulse()
    pulse.succeed(beat(7, 100.0))
    pulse.fail(101.0, "DatabaseUnreachable")
    ended = pulse.succeed(beat(next_number, 103.0))
    assert ended
    assert ended.lost_beats == lost


def test_a_loss_that_no_failed_write_announced_is_an_incident_as_well() -> None:
    pulse = Pulse()
    pulse.succeed(beat(7, 100.0))
    ended = pulse.succeed(beat(5, 101.0))
    assert ended
    assert (ended.started_at, ended.first_write_at, ended.lost_beats) == (100.0, 101.0, 3)


def test_what_another_probe_knew_later_counts() -> None:
    pulse = Pulse(100.0, 7)
    begun = Pulse(110.0, 17)
    incident = begun.fail(111.0, "DatabaseUnreachable")
    pulse.learn(begun)
    pulse.learn(Pulse(90.0, 3))

    assert (pulse.last_at, pulse.last_number) == (110.0, 17)
    assert pulse.incident == incident


def test_beats_of_another_probe_in_between_are_no_loss() -> None:
    pulse = Pulse()
    pulse.succeed(beat(7, 100.0))
    assert pulse.succeed(beat(10, 101.0)) is None
