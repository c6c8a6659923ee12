"""The simulated fleet loses no event, behaves as a queue does, and waits as the consumer waits."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.arrivals import Arrivals, Burst
from capacity.simulate import Parameters, Scenario, chains, predict

FLEET = Parameters(shards=4, events_s=8_000, most=6_000, fixed_s=0.05, per_event_s=200e-6)
RATE = FLEET.events_s / FLEET.shards
QUEUE = replace(FLEET, window_s=0.1)
"""Without much of a window: the last batches on the way back are those of a queue, too."""
OUTAGE = Scenario("outage", 1_500, away=((60, 360),))


def test_events_come_as_often_as_they_should_and_at_their_moments() -> None:
    coming = Arrivals(10, (Burst(5, 8, 10), Burst(20, 30, 0)), phase=0.5)

    assert coming.count(5) == 50
    assert coming.count(8) == 350
    assert coming.count(30) == coming.count(20) == 470
    assert coming.moment(1) == pytest.approx(0.05)
    assert coming.moment(471) == pytest.approx(30.05)
    assert Arrivals(10, (Burst(5, 900, 0),)).moment(51) == pytest.approx(900.1)
    assert Arrivals(0).moment(1) == math.inf


@given(
    seed=st.integers(0, 1_000),
    away=st.tuples(st.floats(0, 50), st.floats(0.1, 200)),
    burst=st.tuples(st.floats(0, 50), st.floats(0.1, 60), st.floats(0, 20)),
    shards=st.integers(1, 5),
)
def test_every_event_is_counted_once_or_still_waits(
    seed: int, away: tuple[float, float], burst: tuple[float, float, float], shards: int
) -> None:
    fleet = replace(FLEET, shards=shards)
    scenario = Scenario(
        "any",
        150,
        away=((away[0], sum(away)),),
        bursts=(Burst(burst[0], burst[0] + burst[1], burst[2]),),
    )

    found = predict(fleet, scenario, seed)

    assert found.counted + found.left == found.events
    assert found.left >= 0
    for chain in chains(fleet, scenario, seed):
        times = [moment for batch in chain.batches for moment in (batch.began, batch.ended)]
        assert times == sorted(times)  # one invocation at a time
        assert all(0 < batch.events <= fleet.most for batch in chain.batches)
        # Nothing is counted before it came.
        counted = 0
        for batch in chain.batches:
            counted += batch.events
            assert counted <= chain.arrivals.count(batch.ended)


def test_the_same_seed_says_the_same() -> None:
    assert predict(FLEET, OUTAGE, 7).lag == predict(FLEET, OUTAGE, 7).lag
    assert predict(FLEET, OUTAGE, 7).lag != predict(FLEET, OUTAGE, 8).lag


def test_a_steady_shard_waits_for_its_window_and_its_work() -> None:
    found = predict(FLEET, Scenario("steady", 120))
    period = FLEET.window_s + 0.05 + 200e-6 * (found.events / found.batches)

    assert found.events / found.batches == pytest.approx(RATE * period, rel=0.02)
    # Just before a commit the oldest event is as old as this batch and its window.
    assert found.lag.most <= 2 * period
    assert found.failed == 0


@pytest.mark.parametrize("times", [5, 10, 20])
def test_after_a_burst_it_catches_up_as_a_queue_does(times: float) -> None:
    lasts, capacity = 120, QUEUE.capacity_events_s
    backlog = (times * RATE - capacity) * lasts
    expected = backlog / (capacity - RATE)

    burst = Burst(60, 60 + lasts, times)
    found = predict(QUEUE, Scenario("burst", 180 + 2 * expected, bursts=(burst,)))

    assert found.lag.caught_up_s == pytest.approx(expected, rel=0.02)
    assert found.largest == QUEUE.most


def test_after_an_outage_it_catches_up_as_a_queue_does() -> None:
    """The outage is long: what the last wait of three seconds adds does not weigh."""
    lasts, capacity = 1_800, QUEUE.capacity_events_s
    expected = RATE * lasts / (capacity - RATE)

    scenario = Scenario("outage", 60 + lasts + 2 * expected, away=((60, 60 + lasts),))
    found = predict(QUEUE, scenario)

    assert found.lag.caught_up_s == pytest.approx(expected, rel=0.02)
    assert found.lag.most == pytest.approx(lasts, rel=0.02)


def test_who_waits_for_a_database_that_hangs_goes_on_as_soon_as_another_is_there() -> None:
    hung = Scenario("hung", 120, away=((60, 66),), hangs=True)

    for chain in chains(FLEET, hung):
        [met] = [batch for batch in chain.batches if batch.began < 66 and batch.ended > 60]
        assert 66 < met.ended < 66.2 + 200e-6 * met.events
    assert predict(FLEET, hung).failed == 0


def test_events_that_come_in_strokes_are_as_many() -> None:
    even, strokes = Arrivals(100, phase=0.5), Arrivals(100, phase=0.5, stroke_s=0.3)

    assert [strokes.count(at) for at in (0.29, 0.31, 0.6, 3.0)] == [
        even.count(at) for at in (0, 0.3, 0.6, 3.0)
    ]
    assert strokes.moment(31) == pytest.approx(0.6)
    assert strokes.count(strokes.moment(31)) >= 31


def test_lanes_that_are_too_few_make_everybody_slower() -> None:
    crowded = replace(FLEET, lanes=3)
    ratio = crowded.capacity_events_s / FLEET.capacity_events_s

    assert ratio == pytest.approx(3 / 4)
    alone, together = (predict(each, OUTAGE).lag.caught_up_s for each in (FLEET, crowded))
    assert alone is not None
    assert together is not None
    assert together > 1.5 * alone


def test_a_shard_is_read_no_faster_than_it_gives() -> None:
    held = replace(FLEET, read_events_s=2 * RATE)

    found = predict(held, Scenario("outage", 900, away=((60, 260),)))

    assert held.capacity_events_s == 2 * RATE
    assert found.lag.caught_up_s == pytest.approx(200, rel=0.05)


def test_a_fleet_that_is_too_slow_never_catches_up() -> None:
    assert predict(replace(FLEET, lanes=1), OUTAGE).lag.caught_up_s is None


def test_a_short_outage_is_waited_out_inside_of_an_invocation() -> None:
    found = predict(FLEET, Scenario("failover", 200, away=((60, 90),)))

    assert found.failed == 0
    # Backed off to three seconds at most, and half a second to connect again.
    assert 30 <= found.lag.most <= 30 + 0.5 + 3 + 2 * (FLEET.window_s + 0.05 + 0.5)


def test_an_invocation_gives_up_at_four_fifths_and_its_batch_is_halved() -> None:
    [chain] = chains(replace(FLEET, shards=1, events_s=RATE), Scenario("away", 400, ((60, 230),)))
    before = [batch for batch in chain.batches if batch.ended < 60]
    after = [batch for batch in chain.batches if batch.ended > 230]
    waiting = chain.arrivals.count(before[-1].ended + FLEET.window_s) - sum(
        batch.events for batch in before
    )

    assert chain.failed == 3  # 48 s each, of 170
    assert after[0].events == pytest.approx(waiting / 8, rel=0.02)
    sizes = [batch.events for batch in after[:4]]
    assert sum(sizes) == pytest.approx(waiting, rel=0.02)
    assert after[4].events == FLEET.most


def test_a_single_event_is_repeated_with_waits_that_grow_to_ten_seconds() -> None:
    slow = replace(FLEET, shards=1, events_s=0.02, timeout_s=0.01)
    [chain] = chains(slow, Scenario("away", 300, away=((0, 200),)))

    assert chain.batches[0].events == 1
    # It comes after half a minute or later; then 0.2, 0.4 … 6.4 s, and 10 s each.
    assert 15 <= chain.failed <= 30
    assert chain.batches[0].ended < 200 + 10 + 1
