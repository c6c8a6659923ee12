"""From events to CPUs, rows and members. Arithmetic alone.

Rates are per second; cores are the measuring machine's, unless `CORE` made vCPUs of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity import costs as measured
from capacity import workload as w
from capacity.cells import BENCH_FINAL, BENCH_ROWS
from capacity.ranges import Range

if TYPE_CHECKING:
    from capacity.costs import Costs
    from capacity.stream import Stream


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
    def history_s(self) -> float:
        """Rows of the watch history; the peers write none."""
        return self.stream.load.events_s * w.STOPS if self.who == "ours" else 0.0

    @property
    def final_rows(self) -> float:
        """Of a minute, when all of its events are counted."""
        return self.stream.load.audience.rows_by_viewer(60 * self.stream.load.events_s)

    @property
    def fresh_rows_s(self) -> float:
        """Written when the first appended rows of a minute are added up: the cells of a turn."""
        load = self.stream.load
        return load.audience.rows_by_viewer(w.TURN_S * load.events_s) / 60

    @property
    def final_rows_s(self) -> float:
        """Written when appended rows are added up: the cells of each turn, and those of what is
        counted after its minute is over."""
        load = self.stream.load
        late = load.audience.rows_by_viewer((load.window_s + load.linger_s) * load.events_s)
        return 60 / w.TURN_S * self.fresh_rows_s + late / 60

    @property
    def counting_us(self) -> float:
        """An event in PostgreSQL while its batch is counted: a straight line through the two mixes
        that were measured."""
        if self.who != "ours":
            return self.cost.postgres
        many, few = BENCH_ROWS["viewer"], BENCH_ROWS["title"]
        above, below = (
            it["ours"].postgres - it["ours"].merge for it in (self.costs.viewer, self.costs.title)
        )
        row = max(0.0, (above - below) / (many - few))
        fixed = w.POSTGRES_FIXED_US * (1 / self.events - 1 / measured.BATCH)
        return max(0.0, below + row * (self.rows_per_event - few) + fixed)

    @property
    def merging_cores(self) -> float:
        """Adding up what was appended. One session does it: 1 is all that it can do. The bench
        adds its minute up at once, so it knows fresh rows alone."""
        if self.who != "ours":
            return 0.0
        read = w.MERGE_ROW_US * BENCH_ROWS["viewer"]
        written = max(0.0, self.costs.viewer["ours"].merge - read) / BENCH_FINAL
        later = w.LATER_ROW * (self.final_rows_s - self.fresh_rows_s)
        return (w.MERGE_ROW_US * self.rows_s + written * (self.fresh_rows_s + later)) / 1e6

    @property
    def unmerged_s(self) -> float:
        """To read the rows that are not added up yet, as each answer of the API does."""
        return self.rows_s * w.UNMERGED_S * w.READ_ROW_US / 1e6

    @property
    def catching_up(self) -> float:
        """How many times its load all shards together count when they are behind."""
        read = self.stream.read_events_s * self.stream.built / self.stream.load.events_s
        return min(read, self.reserve)

    @property
    def lambda_cores(self) -> float:
        return self.stream.load.events_s * (self.python_us + self.envelope_us) / 1e6

    @property
    def postgres_cores(self) -> float:
        return self.stream.load.events_s * self.counting_us / 1e6 + self.merging_cores

    @property
    def redis_cores(self) -> float:
        return self.stream.load.events_s * self.cost.redis / 1e6

    @property
    def acus(self) -> Range:
        return w.CORE * w.BUSY * (self.postgres_cores * w.ACU_PER_VCPU)

    @property
    def seconds(self) -> Range:
        """A batch from the invocation to its end: every part waits for the one before."""
        cost = self.python_us + self.envelope_us + self.counting_us + self.cost.redis
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
        upserted = self.final_rows_s + self.history_s
        return w.WAL_APPENDED * self.rows_s + w.WAL_UPSERTED * upserted + Range.exactly(watermarks)

    @property
    def redis_shards(self) -> int:
        """At least the template's three. 0: no number helps, a single key is too hot."""
        # Every event goes to the minute's own key, and so to one shard; the rest spreads.
        hot = self.stream.load.events_s / w.HOT_MEMBERS_S
        room = w.REDIS_BUSY - hot
        if room <= 0:
            return 0
        return max(3, math.ceil(max(0.0, self.redis_cores - hot) / room))

    @property
    def members_s(self) -> float:
        return self.stream.load.events_s * w.MEMBERS


PER_RECORD = ("naive", "powertools")
"""They speak to the database once for each record."""
