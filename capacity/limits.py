"""What gives way first, at how many viewers, and what to do then."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from capacity import workload as w
from capacity.cells import hottest_share
from capacity.model import Consumer
from capacity.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity.costs import Costs
    from capacity.workload import Shape, Workload

FEWEST, MOST = 1.0, 1e12
STEPS: Final = 40
LARGEST_WRITER_VCPU: Final = 64.0
"""db.r7g.16xlarge, or 256 ACU."""
WRITER_BUSY: Final = 0.7


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    used: Callable[[Consumer], float]
    """What is used of it, as a part of 1; grows with viewers."""
    then: str
    rests_on: str
    quota: bool
    """AWS raises it when asked; the others are how things are built."""


def hot_row(it: Consumer, commit_s: float = w.COMMIT_S.likely) -> float:
    """For how much of the time the row that most is added to is locked.

    Each batch that has an event of that cell holds it from its statement to its commit, and the
    next waits: 1 means that they queue for ever. Who waits gathers larger batches meanwhile, so
    that the limit is met with full ones: see `LIMITS`.
    """
    share = hottest_share(it.stream.load.audience)
    shards = it.stream.built
    if it.stream.shape.keyed == "title":
        top = share / max(it.stream.load.audience.pairs)
        meeting = min(shards, it.stream.load.salts(top, shards))
    else:
        meeting = shards
    # Of the batches of a shard that meets it: the chance to hold at least one event of that cell.
    expected = it.events * share * shards / meeting
    batches_s = meeting * it.stream.load.events_s / shards / it.events
    # Rows are taken in order, so half of the statement's time lies behind it in the mean.
    held = it.postgres_us * it.events / 2e6 * w.CORE.likely + commit_s + w.TRIP_S.likely
    return batches_s * -math.expm1(-expected) * held


LIMITS: Final = (
    Limit(
        "on demand: 200 MB/s written",
        lambda it: it.stream.bytes_s / 200e6,
        "StreamMode PROVISIONED, which is far cheaper by then",
        "AWS limit of this region",
        quota=True,
    ),
    Limit(
        "API Gateway: 10,000 calls/s",
        lambda it: it.stream.load.viewers / w.API_CALL_EVERY_S / 10_000,
        "ask for more, or a CDN before what repeats",
        "AWS quota; a call in 10 min a viewer: assumption",
        quota=True,
    ),
    Limit(
        "Lambda: 1,000 at once",
        lambda it: it.stream.built / 1_000,
        "ask for more: all chains run when all are behind",
        "AWS quota",
        quota=True,
    ),
    Limit(
        "Kinesis: 1,000 shards",
        lambda it: it.stream.built / 1_000,
        "ask for more",
        "AWS quota of this region; 6,000 in some accounts",
        quota=True,
    ),
    Limit(
        "Aurora: one writer of 64 vCPU at 70 %",
        lambda it: it.postgres_cores * w.CORE.likely / (LARGEST_WRITER_VCPU * WRITER_BUSY),
        "append-only deltas, merged each minute; then a cluster for a part of the titles",
        "measured CPU; a vCPU is a core: assumption",
        quota=False,
    ),
    Limit(
        "Aurora: the hottest row is always locked",
        lambda it: hot_row(replace(it, batch=it.stream.most_events)),
        "fewer salts and a longer batching window, or append-only deltas",
        "model: commit 4 ms, round trip 0.5 ms: assumptions",
        quota=False,
    ),
    Limit(
        "Aurora: the hottest row, were a commit 10 ms",
        lambda it: hot_row(replace(it, batch=it.stream.most_events), w.COMMIT_S.high),
        "fewer salts and a longer batching window, or append-only deltas",
        "the high bound of what is assumed below",
        quota=False,
    ),
    Limit(
        "Aurora: 5,000 connections",
        lambda it: it.stream.built / 5_000,
        "a second stream and cluster, each for a part of the titles",
        "AWS default; one connection for each shard",
        quota=False,
    ),
    Limit(
        "Redis: one key, one core",
        lambda it: it.stream.load.events_s / (w.HOT_MEMBERS_S * w.REDIS_BUSY),
        "the minute's key in parts, one for each shard of Redis, merged when read",
        "measured: 7.1M members/s; at 60 %",
        quota=False,
    ),
)


def viewers_at(limit: Limit, costs: Costs, load: Workload, shape: Shape) -> float:
    """How many viewers use up this limit; infinite when there is no number of them."""

    def used(viewers: float) -> float:
        stream = Stream(replace(load, viewers=viewers), shape)
        return limit.used(Consumer(stream, costs))

    low, high = math.log(FEWEST), math.log(MOST)
    if used(MOST) < 1:
        return math.inf
    for _ in range(STEPS):
        middle = (low + high) / 2
        if used(math.exp(middle)) < 1:
            low = middle
        else:
            high = middle
    return math.exp(high)


def in_order(costs: Costs, load: Workload, shape: Shape) -> list[tuple[Limit, float]]:
    """Each with its viewers, the first to give way first."""
    found = [(limit, viewers_at(limit, costs, load, shape)) for limit in LIMITS]
    return sorted(found, key=lambda each: each[1])
