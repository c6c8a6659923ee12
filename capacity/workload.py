"""What is asked for, and what AWS and this platform's templates allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from capacity import cells
from capacity.ranges import Range

if TYPE_CHECKING:
    from collections.abc import Callable

HEARTBEATS: Final = 0.88
"""Of all events; the rest are starts, stops, pauses, errors. As in the bench's events."""
STOPS: Final = 0.02
"""Of all events: each becomes a row of the watch history as well."""
HEARTBEATS_S: Final = (10.0, 30.0, 60.0)

# AWS's limits. docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html and
# /lambda/latest/dg/invocation-eventsourcemapping.html
SHARD_RECORDS_S: Final = 1_000
SHARD_READ_BYTES_S: Final = 2_000_000
PAYLOAD_BYTES: Final = 6 * 1_048_576
PUT_UNIT_BYTES: Final = 25_000
ON_DEMAND_UNIT_BYTES: Final = 1_024
PUT_RECORDS: Final = 500
PUT_BYTES: Final = 5 * 1_048_576
"""What streamflix.producer puts into a call at most."""

# stacks/analytics.yaml
BATCH_RECORDS: Final = 10_000
WINDOW_S: Final = 1.0
LAMBDA_MB: Final = 1_769
"""Where Lambda gives one whole CPU."""

FRAME_BYTES: Final = 583
"""Of a record in an invocation beside its data in base64: measured, 1,003 bytes for data of 314."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How events travel."""

    name: str
    keyed: str
    """What the partition key is made of: ``viewer``, so that a shard sees every title, or
    ``title`` and a salt."""
    packed: bool
    """In aggregates of the KPL's format, or each in a record of its own."""
    skew: float
    """The fullest shard against the mean."""


PLAIN: Final = Shape("plain, keyed by viewer", "viewer", packed=False, skew=1.1)
"""Many keys spread well; a tenth more is an assumption."""
PACKED: Final = Shape("packed, keyed by title and salt", "title", packed=True, skew=1.65)
"""docs/decisions of the producer: computed for 390 shards."""
PACKED_BY_VIEWER: Final = Shape("packed, keyed by viewer", "viewer", packed=True, skew=1.1)
SHAPES: Final = (PLAIN, PACKED_BY_VIEWER, PACKED)


@dataclass(frozen=True, slots=True)
class Workload:
    """So many people watch at the same time, and their players speak each `heartbeat_s`."""

    viewers: float
    heartbeat_s: float = 10.0
    event_bytes: float = 384.0
    """The bench's events."""
    key_bytes: float = 36.0
    """A plain record's partition key counts as its data does."""
    pack_bytes: float = 17.0
    """What format and keys add to an event in an aggregate: measured, 331 for 314."""
    record_bytes: float = 25_000.0
    shard_bytes_s: float = 1_000_000.0
    """AWS says 1 MB, and means 1,048,576 in places; streamflix.producer stays within this."""
    producers: int = 40
    """Processes that put events. An aggregate is full when they are few: see `Stream`."""
    linger_s: float = 1.0
    """How long an event waits for company in a producer."""
    window_s: float = WINDOW_S
    salts: Callable[[float, int], int] = cells.producer_salts
    audience: cells.Audience = cells.WORLD

    @property
    def events_s(self) -> float:
        return self.viewers / self.heartbeat_s / HEARTBEATS


# Assumptions. Each is named beside what is computed with it.
CORE: Final = Range(0.7, 1.0, 1.5)
"""vCPUs of AWS for a core of the machine that measured: an arm64 vCPU is a whole core."""
ACU_PER_VCPU: Final = 4.0
"""github.com/aws/agent-toolkit-for-aws: memory-optimised classes, 2 GiB an ACU, 8 GiB a vCPU."""
BUSY: Final = Range(1.0, 1 / 0.7, 2.0)
"""Capacity for what is used: a database at 70 % has room for the evening's unevenness."""
TRIP_S: Final = Range(0.0003, 0.0005, 0.001)
"""A round trip from a function to a store."""
COMMIT_S: Final = Range(0.002, 0.004, 0.010)
"""Until Aurora has a commit on four of six copies."""
TRIPS: Final = 12
"""Round trips of a batch: fence, watermark, two COPYs, a statement, commit, Redis."""
POSTGRES_FIXED_US: Final = 1_500.0
"""µs of PostgreSQL for a batch, however small: batches of 100 against 10,000, measured once."""
JSON_US_PER_BYTE: Final = 0.00056
"""To parse a long text: 0.27 of the 0.33 µs of an event in an aggregate of 69, measured once."""
MEMBERS: Final = 4
"""HyperLogLogs that an event is added to: minute, and its title, country, device."""
MEMBER_BYTES: Final = 14
"""8 of fingerprint, 6 of protocol."""
HOT_MEMBERS_S: Final = 7_100_000.0
"""PFADD members for a second of one Redis core, measured once. A key lives on one shard."""
REDIS_BUSY: Final = 0.6
MERGE_ROW_US: Final = 0.35
"""µs of PostgreSQL to read an appended row and add it to its cell: measured once, 84,000 rows."""
LATER_ROW: Final = 1.75
"""To write a row of a minute that was added up before, times one of a fresh minute: measured."""
READ_ROW_US: Final = 0.1
"""µs to look at an appended row: measured once, 84,000 rows in 5.4 ms and what a filter adds."""
TURN_S: Final = 20.0
"""functions/analytics/deltas.py"""
UNMERGED_S: Final = 2 * TURN_S
"""Rows of so long wait to be added up at most."""
ANSWER_S: Final = 5.0
"""After which functions/analytics/show.py gives a query up."""
WAL_APPENDED: Final = Range(60, 75, 100)
"""Bytes of log for a row that is appended: measured, beside those that come of it."""
WAL_UPSERTED: Final = Range(150, 260, 500)
"""The same for a row with an index entry: measured."""
WATERMARK_BYTES: Final = 4_096 * 8
"""Fingerprints that each commit rewrites, so that a duplicate is known again."""
API_CALL_EVERY_S: Final = 600.0
"""A viewer calls the REST API once in 10 minutes: registers/costs.yaml."""
LOG_BYTES: Final = Range(600, 1_000, 2_000)
"""Of an invocation: START, END, REPORT and a line of metrics."""
PRODUCER_US: Final = Range(8, 9, 10)
"""µs of CPU for an event that streamflix.producer puts: measured, boto3 up to the socket."""
