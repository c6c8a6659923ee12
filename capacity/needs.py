"""The rows of the table of needs: what each is, how it is computed, what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from capacity import workload as w
from capacity.texts import number, spread, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity.model import Consumer

Row = tuple[str, "Callable[[Consumer], str]", str]

ROWS: Final[tuple[Row, ...]] = (
    (
        "events/s",
        lambda it: whole(it.stream.load.events_s),
        "heartbeats / 0.88: the bench's mix",
    ),
    (
        "MB/s",
        lambda it: whole(it.stream.bytes_s / 1e6),
        "384 B, and 17 of format or 36 of key: measured",
    ),
    (
        "records/s",
        lambda it: whole(it.stream.records_s),
        "25,000 B at most; 40 producers: assumption",
    ),
    (
        "producers with which they are full, at most",
        lambda it: whole(it.stream.full_up_to) if it.stream.shape.packed else "any",
        "each waits for 1 s: its default",
    ),
    (
        "PutRecords/s, at least",
        lambda it: whole(it.stream.put_calls_s),
        "500 records, 5 MiB a call",
    ),
    (
        "vCPU of producers",
        lambda it: spread(w.PRODUCER_US * (it.stream.load.events_s / 1e6)),
        "8 to 10 µs an event: measured",
    ),
    (
        "shards, evenly filled",
        lambda it: whole(it.stream.even_shards),
        "1 MB/s, 1,000 records/s: AWS",
    ),
    (
        "shards: even / the fullest holds / a fifth free",
        lambda it: spread(it.stream.shards),
        "skew: computed for salts, assumed for viewers",
    ),
    (
        "events of a batch",
        lambda it: whole(it.stream.batch),
        "window of 1 s: template; 6 MB: AWS",
    ),
    (
        "invocations/s",
        lambda it: whole(it.stream.invocations_s),
        "window of 1 s",
    ),
    (
        "invocations/s, if each were full",
        lambda it: whole(it.stream.fewest_invocations_s),
        "6 MB: AWS",
    ),
    (
        "seconds of a batch",
        lambda it: spread(it.seconds),
        "CPU: measured; trips, commit: assumptions",
    ),
    (
        "invocations at once, in the mean",
        lambda it: spread(it.running),
        "the above",
    ),
    (
        "invocations at once, at most",
        lambda it: whole(it.stream.built),
        "one a shard: ParallelizationFactor 1",
    ),
    (
        "vCPU of Lambda, busy",
        lambda it: spread(w.CORE * it.lambda_cores),
        "measured, with the envelope's parse; 0.7/1/1.5 vCPU a core: assumption",
    ),
    (
        "CPU of a new process, s",
        lambda it: number(it.costs.init_s),
        "measured: imports and clients",
    ),
    (
        "peak of a function, MB",
        lambda it: number(it.cost.peak_mb),
        "measured; it gets 1,769 for a whole CPU",
    ),
    (
        "a shard's chain can do, times its load",
        lambda it: number(it.reserve),
        "full batches",
    ),
    (
        "a shard can be read, times its load",
        lambda it: number(it.stream.read_events_s * it.stream.built / it.stream.load.events_s),
        "2 MB/s: AWS; what bounds catching up",
    ),
    (
        "rows/s, appended",
        lambda it: whole(it.rows_s),
        "5,000 titles, 27 countries, 6 devices: assumption",
    ),
    (
        "rows a minute, in the end",
        lambda it: whole(it.final_rows),
        "the same; what is kept of a minute",
    ),
    (
        "rows/s, written when they are added up",
        lambda it: whole(it.final_rows_s),
        "a minute's cells in each of its turns, and what came late",
    ),
    (
        "rows/s of the watch history",
        lambda it: whole(it.history_s),
        "2 % of events are stops: the bench's mix",
    ),
    (
        "cores of PostgreSQL, busy",
        lambda it: number(it.postgres_cores),
        "measured, by rows; its log's copies are not in it",
    ),
    (
        "ACUs of the writer",
        lambda it: spread(it.acus),
        "4 a vCPU: AWS; 100/70/50 % busy: assumption",
    ),
    (
        "log (WAL), MB/s",
        lambda it: spread(it.wal_bytes_s * 1e-6),
        "75 B a row appended, 260 B one written: measured; 32 KiB a commit: code",
    ),
    (
        "of the cores: one session that adds up",
        lambda it: number(it.merging_cores),
        "measured; 1 is all that one can do",
    ),
    (
        "an answer reads what is not added up, s",
        lambda it: number(it.unmerged_s),
        "0.1 µs a row: measured once; 40 s of rows: code",
    ),
    (
        "members/s to Redis",
        lambda it: whole(it.members_s),
        "4 HyperLogLogs an event: code",
    ),
    (
        "MB/s to Redis",
        lambda it: whole(it.members_s * w.MEMBER_BYTES / 1e6),
        "14 B a member: code",
    ),
    (
        "cores of Redis, busy",
        lambda it: number(it.redis_cores),
        "measured",
    ),
    (
        "shards of Redis",
        lambda it: str(it.redis_shards or "no number helps"),
        "60 % busy: assumption; a key has one shard",
    ),
    (
        "REST calls/s",
        lambda it: whole(it.stream.load.viewers / w.API_CALL_EVERY_S),
        "one in 10 min a viewer: assumption",
    ),
)
