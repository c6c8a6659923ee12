"""What happened is told in order, in seconds since the fault."""

from __future__ import annotations

from chaos.timeline import Timeline


def test_moments_are_told_in_order_and_once() -> None:
    timeline = Timeline()
    for at, what in ((105.0, "healed"), (100.0, "broken"), (105.0, "healed"), (99.0, "well")):
        timeline.note(at, what)

    assert timeline.since(100.0) == [(-1.0, "well"), (0.0, "broken"), (5.0, "healed")]
