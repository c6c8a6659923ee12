"""From viewers to shards, CPUs, rows and members. Arithmetic alone.

Rates are per second; cores are the measuring machine's, unless `CORE` made vCPUs of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from capacity import costs as measured
from capacity import workload as w
from capacity.cells import BENCH_ROWS
from capacity.ranges import Range

if TYPE_CHECKING:
    from capacity.costs import Costs
    from capacity.workload import Shape, Workload


@dataclass(frozen=True)
class Stream:
    """Records and shards."""

    load: Workload
    shape: Shape

    @property
    def event_bytes(self) -> float:
        """Of an event as Kinesis counts it."""
        more = self.load.pack_bytes if self.shape.packed else self.load.key_bytes
        return self.load.event_bytes + more

    @property
    def bytes_s(self) -> float:
        return self.load.events_s * self.event_bytes

    @cached_property
    def even_shards(self) -> int:
        """If each took the same: at its limit of bytes, or of records when they are plain."""
        by_records = 0.0 if self.shape.packed else self.load.events_s / w.SHARD_RECORDS_S
        return max(1, math.ceil(max(self.bytes_s / self.load.shard_bytes_s, by_records)))

    @property
    def shards(self) -> Range:
        """Even; so that the fullest is at its limit; so that the fullest is four fifths full."""
        even = self.even_shards
        if even == 1:  # what fits into one shard is as even as can be
            return Range(1, 1, 2)
        fullest = math.ceil(even * self.shape.skew)
        return Range(even, fullest, math.ceil(fullest / 0.8))

    @property
    def built(self) -> int:
        """Shards that are there, so that the fullest holds; all that follows is of their mean."""
        return int(self.shards.likely)

    @property
    def events_per_record(self) -> float:
        """A producer sends what it has for a shard after it has lingered, full or not."""
        if not self.shape.packed:
            return 1.0
        gathered = self.load.events_s / self.built * self.load.linger_s / self.load.producers
        return max(1.0, min(self._full_record, gathered))

    @property
    def _full_record(self) -> float:
        return max(1.0, self.load.record_bytes // self.event_bytes)

    @property
    def full_up_to(self) -> float:
        """Producers with which records are still full: more of them have less to put in each."""
        return self.load.events_s / self.built * self.load.linger_s / self._full_record

    @property
    def records_s(self) -> float:
        return self.load.events_s / self.events_per_record

    @property
    def put_units_s(self) -> float:
        size = self.event_bytes * self.events_per_record
        return self.records_s * math.ceil(size / w.PUT_UNIT_BYTES)

    @property
    def on_demand_bytes_s(self) -> float:
        size = self.event_bytes * self.events_per_record
        if not self.shape.packed:
            size = math.ceil(size / w.ON_DEMAND_UNIT_BYTES) * w.ON_DEMAND_UNIT_BYTES
        return self.records_s * size

    @property
    def put_calls_s(self) -> float:
        """At least: a call carries as many records as fit."""
        if not self.shape.packed:
            return self.records_s / w.PUT_RECORDS
        return self.records_s / min(w.PUT_RECORDS, w.PUT_BYTES // self.load.record_bytes)

    @property
    def payload_per_event(self) -> float:
        """Bytes of an invocation for an event: base64, and what Lambda writes around a record."""
        data = self.load.event_bytes + (self.load.pack_bytes if self.shape.packed else 0.0)
        return data * 4 / 3 + w.FRAME_BYTES / self.events_per_record

    @property
    def most_events(self) -> int:
        """That fit into an invocation: 6 MB, and the template's number of records."""
        by_records = w.BATCH_RECORDS * self.events_per_record
        return max(1, int(min(w.PAYLOAD_BYTES / self.payload_per_event, by_records)))

    @property
    def batch(self) -> float:
        """Events of an invocation when nobody is behind: what a window gathers in a shard."""
        gathered = self.load.events_s / self.built * self.load.window_s
        return max(1.0, min(self.most_events, gathered))

    @property
    def invocations_s(self) -> float:
        return self.load.events_s / self.batch

    @property
    def fewest_invocations_s(self) -> float:
        """With a window so long that each is full."""
        return self.load.events_s / self.most_events


@dataclass(frozen=True)
class Consumer:
    """What it takes to count the stream's events, by ours or by a peer."""

    stream: Stream
    costs: Costs
    who: str = "ours"
    batch: float = 0.0
    """Events of an invocation; 0: the stream's own."""

    @property
    def events(self) -> float:
        return self.batch or self.stream.batch

    @property
    def cost(self) -> measured.Cost:
        keyed = self.stream.shape.keyed if self.who == "ours" else "viewer"
        return (self.costs.title if keyed == "title" else self.costs.viewer)[self.who]

    @property
    def python_us(self) -> float:
        """An event in the handler, in batches of this size."""
        us, size = self.cost.python, measured.BATCH
        if self.stream.shape.packed and self.who == "ours":
            # Measured by title; what more titles cost is the same however events come.
            us += self.costs.packed_us - self.costs.title["ours"].python
            size = measured.PACKED
        fixed = self.costs.fixed_us * (1 / self.events - 1 / size) if self.who == "ours" else 0.0
        return max(0.0, us + fixed)

    @property
    def envelope_us(self) -> float:
        """An event in Lambda's runtime, before the handler."""
        if not self.stream.shape.packed:
            return self.cost.envelope
        frame = self.cost.envelope / self.stream.events_per_record
        return frame + w.JSON_US_PER_BYTE * self.stream.payload_per_event

    @property
    def rows_per_event(self) -> float:
        load, shape = self.stream.load, self.stream.shape
        if shape.keyed == "viewer" or self.who != "ours":
            return load.audience.rows_by_viewer(self.events) / self.events
        return load.audience.rows_by_title(self.events, self.stream.built, load.salts) / self.events

    @property
    def rows_s(self) -> float:
        per_event = 1.0 if self.who in PER_RECORD else self.rows_per_event
        return self.stream.load.events_s * per_event

    @property
    def postgres_us(self) -> float:
        """An event in PostgreSQL: a straight line through the two mixes that were measured."""
        if self.who != "ours":
            return self.cost.postgres
        many, few = BENCH_ROWS["viewer"], BENCH_ROWS["title"]
        above = self.costs.viewer["ours"].postgres, self.costs.title["ours"].postgres
        row = max(0.0, (above[0] - above[1]) / (many - few))
        fixed = w.POSTGRES_FIXED_US * (1 / self.events - 1 / measured.BATCH)
        return max(0.0, above[1] + row * (self.rows_per_event - few) + fixed)

    @property
    def lambda_cores(self) -> float:
        return self.stream.load.events_s * (self.python_us + self.envelope_us) / 1e6

    @property
    def postgres_cores(self) -> float:
        return self.stream.load.events_s * self.postgres_us / 1e6

    @property
    def redis_cores(self) -> float:
        return self.stream.load.events_s * self.cost.redis / 1e6

    @property
    def acus(self) -> Range:
        return w.CORE * w.BUSY * (self.postgres_cores * w.ACU_PER_VCPU)

    @property
    def seconds(self) -> Range:
        """A batch from the invocation to its end: every part waits for the one before."""
        cost = self.python_us + self.envelope_us + self.postgres_us + self.cost.redis
        trips = w.TRIPS + (self.events if self.who in PER_RECORD else 0.0)
        return w.CORE * (cost * self.events / 1e6) + w.TRIP_S * trips + w.COMMIT_S

    @property
    def running(self) -> Range:
        """Invocations that run at the same time, in the mean; never more than shards."""
        mean = self.seconds * (self.stream.load.events_s / self.events)
        most = self.stream.shards.high
        return Range(min(mean.low, most), min(mean.likely, most), min(mean.high, most))

    @property
    def chain_events_s(self) -> float:
        """What one shard's chain of invocations counts in full batches, one after the other."""
        full = Consumer(self.stream, self.costs, self.who, self.stream.most_events)
        return full.events / full.seconds.likely

    @property
    def reserve(self) -> float:
        """How many times its share a shard's chain can do; below 1 it falls behind for ever."""
        return self.chain_events_s / (self.stream.load.events_s / self.stream.built)

    @property
    def wal_bytes_s(self) -> Range:
        watermarks = self.stream.load.events_s / self.events * w.WATERMARK_BYTES
        return w.WAL_ROW * self.rows_s + Range.exactly(watermarks)

    @property
    def redis_shards(self) -> int:
        """At least the template's three. 0: no number helps, a single key is too hot."""
        # A quarter of all members goes to the minute's own key, and so to one shard.
        cores = self.redis_cores
        room = w.REDIS_BUSY - cores / w.MEMBERS
        if room <= 0:
            return 0
        return max(3, math.ceil(cores * (1 - 1 / w.MEMBERS) / room))

    @property
    def members_s(self) -> float:
        return self.stream.load.events_s * w.MEMBERS


PER_RECORD = ("naive", "powertools")
"""They speak to the database once for each record."""
