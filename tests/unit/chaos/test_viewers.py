"""Events lost in one row are not made up for by events that another row counts twice."""

from __future__ import annotations

import json

from chaos.viewers import _event, compare
from demo.truth import Truth


def truth(*minutes: str) -> Truth:
    told = Truth(frozenset())
    for number, minute in enumerate(minutes):
        event = json.loads(_event("chaos-test", number))
        told.absorb(json.dumps(event | {"ts": f"{minute}:00.000Z"}).encode())
    return told


def test_what_was_counted_as_it_was_sent_differs_nowhere() -> None:
    sent = truth("2026-01-01T10:00", "2026-01-01T10:01")

    count = compare(sent, dict(sent.rows))

    assert (count.sent, count.lost, count.duplicated, count.differ) == (2, 0, 0, 0)


def test_a_loss_and_a_double_count_are_both_seen() -> None:
    sent = truth("2026-01-01T10:00", "2026-01-01T10:01")
    first, second = sorted(sent.rows)
    found = {second: [2 * number for number in sent.rows[second]]}

    count = compare(sent, found)

    assert (count.lost, count.duplicated, count.differ) == (1, 1, 2)
    assert first not in found


def test_a_row_that_nobody_sent_is_a_double_count() -> None:
    sent, other = truth("2026-01-01T10:00"), truth("2026-01-01T11:00")

    assert compare(sent, {**sent.rows, **other.rows}).duplicated == 1
