"""What drives the monthly bill of the stream and of what counts it; docs/costs.md has the rest.

US dollars for 730 hours at this load, day and night.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from capacity import workload as w
from capacity.prices import HOURS_PER_MONTH, PRICES, SECONDS_PER_MONTH
from capacity.ranges import NOTHING, Range

if TYPE_CHECKING:
    from capacity.model import Consumer
    from capacity.stream import Stream

GIB: Final = 2**30
MEMBERS: Final = Range(1, 3, 3)
"""Of the database's cluster. A reader that must be able to take over is as large as the writer; one
of a lower tier scales for itself."""
COPIES: Final = 3
"""Nodes of a Redis shard: a primary and two replicas."""
ENDPOINTS: Final = 11
"""stacks/endpoints.yaml, in three zones: there for other rooms as well."""
ELSEWHERE: Final = 2 / 3
"""Of what goes to a store in one of three zones, the part that comes from another."""
ROW_BYTES: Final = 60
KEPT_DAYS: Final = 6
"""The stream keeps 7 days; the first is in its price."""
IO_BYTES: Final = 4_096
"""Of log that Aurora writes with one I/O, at most."""
IO_FULL: Final = Range(1.0, 1.0, 2.0)
"""A commit sends what it has: at worst every other I/O is half empty."""


@dataclass(frozen=True, slots=True)
class Line:
    what: str
    dollars: Range
    rests_on: str


def _hourly(price: str, amount: Range) -> Range:
    return PRICES[price].range * amount * HOURS_PER_MONTH


def _gigabytes(price: str, bytes_s: Range) -> Range:
    return PRICES[price].range * bytes_s * (SECONDS_PER_MONTH / GIB)


def provisioned(stream: Stream) -> list[Line]:
    millions = stream.put_units_s * SECONDS_PER_MONTH / 1e6
    return [
        Line("Kinesis: shards", _hourly("shard_hour", stream.shards), "even, skewed, 80 % full"),
        Line(
            "Kinesis: 7 days instead of one",
            _hourly("retention_shard_hour", stream.shards),
            "RetentionPeriodHours 168",
        ),
        Line("Kinesis: PUT units", PRICES["put_units_million"].range * millions, "25 KB each"),
    ]


def on_demand(stream: Stream) -> list[Line]:
    taken = Range.exactly(stream.on_demand_bytes_s)
    kept = taken * (KEPT_DAYS * 86_400 / GIB)
    return [
        Line("Kinesis on demand: the stream", _hourly("on_demand_hour", Range.exactly(1)), "one"),
        Line("Kinesis on demand: written", _gigabytes("on_demand_in_gb", taken), "KB a record"),
        Line("Kinesis on demand: read once", _gigabytes("on_demand_out_gb", taken), "as written"),
        Line(
            "Kinesis on demand: 7 days instead of one",
            PRICES["on_demand_kept_gb"].range * kept,
            "6 days of what is written",
        ),
    ]


def consumer(it: Consumer) -> list[Line]:
    """What counts the events, and what they are counted in."""
    gigabytes = it.running * (w.LAMBDA_MB / 1_024)
    calls = it.stream.load.events_s / it.events
    seconds = Range.exactly(SECONDS_PER_MONTH)
    wal = it.wal_bytes_s
    writes = wal * (1 / IO_BYTES) * IO_FULL
    nodes = redis_shards(it) * COPIES
    crossing = it.rows_s * ROW_BYTES + it.members_s * w.MEMBER_BYTES
    return [
        Line(
            "Lambda: GB-seconds",
            PRICES["lambda_gb_second"].range * gigabytes * seconds,
            f"{w.LAMBDA_MB} MB while a batch runs",
        ),
        Line(
            "Lambda: invocations",
            PRICES["lambda_million"].range * (calls * SECONDS_PER_MONTH / 1e6),
            "one a window and shard",
        ),
        Line("Aurora: ACU-hours", _hourly("db.serverless", it.acus * MEMBERS), "writer, 2 readers"),
        Line(
            "Aurora: I/O of the log",
            PRICES["aurora_io_million"].range * writes * (SECONDS_PER_MONTH / 1e6),
            "4 KB of log each",
        ),
        Line("Redis: nodes", _hourly("cache.r7g.xlarge", nodes), "two replicas a shard"),
        Line(
            "Logs of invocations",
            _gigabytes("logs_gb", w.LOG_BYTES * calls),
            "1 KB each: assumption",
        ),
        Line(
            "Traffic between zones",
            _gigabytes("zone_gb", Range.exactly(crossing * ELSEWHERE)),
            "rows and members; two thirds cross",
        ),
    ]


def redis_shards(it: Consumer) -> Range:
    """If all keys spread; as they do; twice as many, which is where a key in parts costs less."""
    even = max(3, math.ceil(it.redis_cores / w.REDIS_BUSY))
    needed = it.redis_shards or 2 * even
    return Range(even, min(max(needed, even), 2 * even), 2 * even)


def way_in(stream: Stream) -> list[Line]:
    """Producers inside the VPC reach Kinesis through its interface endpoint."""
    hours = _hourly("endpoint_hour", Range.exactly(3 * ENDPOINTS))
    # The request is JSON: payloads travel in base64.
    sent = Range(stream.bytes_s, stream.bytes_s * 4 / 3, stream.bytes_s * 4 / 3)
    return [
        Line("Endpoint of Kinesis: GB", _gigabytes("endpoint_gb", sent), "base64 in JSON"),
        Line("Interface endpoints: hours", hours, "3 zones; shared with all rooms"),
    ]


def calls(stream: Stream) -> Range:
    """Of the REST API. Not the stream's, but it is the largest line of docs/costs.md."""
    millions = stream.load.viewers / w.API_CALL_EVERY_S * SECONDS_PER_MONTH / 1e6
    return PRICES["api_million"].range * millions


def lines(it: Consumer) -> list[Line]:
    return [*provisioned(it.stream), *consumer(it), *way_in(it.stream)]


def total(found: list[Line]) -> Range:
    whole = NOTHING
    for line in found:
        whole += line.dollars
    return whole
