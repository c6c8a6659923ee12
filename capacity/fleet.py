"""The fleet on AWS as the simulation takes it, and the troubles it is put through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from capacity import workload as w
from capacity.arrivals import Burst
from capacity.model import Consumer
from capacity.sheets import Sheet
from capacity.simulate import Parameters, Scenario, predict
from capacity.texts import number, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity.simulate import Prediction

SIMULATED: Final = 8
"""Shards are alike: so many stand for all of them."""
QUIET_S: Final = 60.0
FAILOVER_S: Final = 30.0
SCENARIOS: Final = (
    Scenario("nothing", 300.0),
    Scenario("failover, 30 s", 300.0, away=((QUIET_S, QUIET_S + FAILOVER_S),)),
    Scenario("10 times the load for 60 s", 600.0, bursts=(Burst(QUIET_S, 2 * QUIET_S, 10.0),)),
    Scenario("database away for 5 min", 900.0, away=((QUIET_S, QUIET_S + 300.0),)),
)


def parameters(it: Consumer) -> Parameters:
    """Of a fleet of `SIMULATED` shards, each with the load of one of the stream's."""
    stream = it.stream
    full = Consumer(stream, it.costs, it.who, stream.most_events)
    time, longer = it.seconds.likely, full.seconds.likely
    per_event = max(0.0, (longer - time) / (full.events - it.events)) if _differ(it, full) else 0.0
    per_event = per_event or longer / full.events
    # The writer is sized so that it is 70 % busy; a chain keeps it busy for a part of its time.
    vcpu = it.postgres_cores * w.BUSY.likely * w.CORE.likely
    part = full.counting_us * full.events / 1e6 / longer
    lanes = vcpu / part if part else float("inf")
    shards = min(SIMULATED, stream.built)
    share = shards / stream.built
    return Parameters(
        shards=shards,
        events_s=stream.load.events_s * share,
        most=stream.most_events,
        fixed_s=max(0.0, longer - per_event * full.events),
        per_event_s=per_event,
        window_s=stream.load.window_s,
        lanes=lanes * share,
        read_events_s=stream.read_events_s,
    )


def _differ(it: Consumer, full: Consumer) -> bool:
    return full.events - it.events > 1


def predictions(it: Consumer) -> list[Prediction]:
    fleet = parameters(it)
    return [predict(fleet, scenario) for scenario in SCENARIOS]


def sheet(found: Sequence[Prediction]) -> Sheet:
    rows = []
    for each in found:
        caught_up = each.lag.caught_up_s
        is_trouble = bool(each.scenario.away or each.scenario.bursts)
        rows.append(
            [
                each.scenario.name,
                *(number(each.lag.share(part)) for part in (0.5, 0.99)),
                number(each.lag.most),
                "-" if not is_trouble else "not" if caught_up is None else f"{caught_up:.0f}",
                whole(each.largest),
                str(each.failed),
                whole(each.left),
            ]
        )
    columns = [
        *("what happens", "lag, median, s", "99 of 100", "most", "caught up after, s"),
        *("largest batch", "invocations failed", "events left at the end"),
    ]
    note = (
        f"Simulated; {SIMULATED} shards stand for all. Catching up, all shards ask the writer at "
        "the same time, which has room for 1/0.7 of its load; a shard gives 2 MB/s. A stream that "
        "is provisioned for its mean refuses a burst: then producers wait, and this is what a "
        "stream with room would see. What who appends waits while counts are added up is not in it."
    )
    return Sheet("When something happens", columns, rows, note)
