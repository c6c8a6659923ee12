"""What gives way first, at how many viewers, and what to do then."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from capacity import workload as w
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
        "fewer salts and a longer batching window; then a cluster for a part of the titles",
        "measured CPU; a vCPU is a core: assumption",
        quota=False,
    ),
    Limit(
        "Aurora: one session adds up what all shards catch up",
        # Whoever is behind counts in full batches, which have fewer rows for an event.
        lambda it: (
            replace(it, batch=it.stream.most_events).merging_cores * w.CORE.likely * it.catching_up
        ),
        "answers are slow meanwhile; fewer salts and a longer window, or a session for each table",
        "measured CPU; shards are read as fast as AWS allows",
        quota=False,
    ),
    Limit(
        "Aurora: half of an answer's time to read what is not added up",
        lambda it: it.unmerged_s * w.CORE.likely / (w.ANSWER_S / 2),
        "fewer salts and a longer window, or shorter turns of the tables",
        "0.1 µs a row: measured once; 40 s of rows: code",
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
