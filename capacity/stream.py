"""Records and shards: what a load is on its way. Arithmetic alone; rates are per second."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from capacity import workload as w
from capacity.ranges import Range

if TYPE_CHECKING:
    from capacity.workload import Shape, Workload


@dataclass(frozen=True)
class Stream:
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
        units = math.ceil(self.event_bytes * self.events_per_record / w.ON_DEMAND_UNIT_BYTES)
        return self.records_s * units * w.ON_DEMAND_UNIT_BYTES

    @property
    def read_events_s(self) -> float:
        """What one shard gives to its reader, which is what bounds catching up."""
        return w.SHARD_READ_BYTES_S / self.event_bytes

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
