"""The day's records, deterministic from a seed: what a fleet of players and producers would put.

Most sessions share a lane: a producer that packs its players' events into one aggregate after the
other, under the lane's partition key. The rest put plain records. The platform promises to count a
producer's duplicate once when both copies lie within 4,096 events of one shard; so a repeated
event stays in its aggregate, and a repeated record follows its original at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from demo import aggregate, malformed
from demo.catalogue import random_uuid
from demo.sessions import LATE, OUT_OF_ORDER, plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.catalogue import Catalogue
    from demo.sessions import Beat

RECORD_LIMIT: Final = 1_048_576  # bytes of data and partition key; Kinesis' default
NEAR_LIMIT: Final = 1_024
LANES: Final = 64
FULL_LANE: Final = "k0"  # fills its aggregates to the limit
FULL_LANE_SHARE: Final = 0.05
PLAIN_SHARE: Final = 0.03
REPEATED_EVENTS: Final = 0.012
REPEATED_RECORDS: Final = 0.01
AGGREGATE_BYTES: Final = (16_384, 51_200)
LARGE: Final = "large"
SPARE_LARGE: Final = 5  # a few fall on sessions that must stay in their lane


class Mark(NamedTuple):
    """Something in a record that must come back as a pointer; None: the record as a whole."""

    kind: str
    subsequence: int | None


class Record(NamedTuple):
    """What one entry of PutRecords carries, and what is known about it beforehand."""

    key: str
    data: bytes
    payloads: tuple[bytes, ...]  # the user records in it that are fine
    marks: tuple[Mark, ...]
    events: int
    repeats_previous: bool = False

    @property
    def size(self) -> int:
        """Bytes as Kinesis counts them."""
        return len(self.key.encode()) + len(self.data)


@dataclass
class Tally:
    """What the generator did on purpose."""

    events: int = 0
    records: int = 0
    plain: int = 0
    late: int = 0
    out_of_order: int = 0
    duplicates: int = 0
    near_limit: int = 0
    malformed: dict[str, int] = field(default_factory=dict)

    def count(self, record: Record) -> None:
        self.records += 1
        self.events += record.events
        self.near_limit += record.size >= RECORD_LIMIT - NEAR_LIMIT
        if record.repeats_previous:
            self.duplicates += len(record.payloads)
        for mark in record.marks:
            self.malformed[mark.kind] = self.malformed.get(mark.kind, 0) + 1


class Lane:
    """One producer's aggregate in the making."""

    def __init__(self, key: str, limit: int) -> None:
        self.key = key
        self.limit = limit - len(key)
        self._reset()

    def _reset(self) -> None:
        self.size = aggregate.overhead(self.key)
        self.users: list[bytes] = []
        self.kinds: list[str | None] = []
        self.again: list[bytes] = []

    def fits(self, payload: bytes, copies: int) -> bool:
        return self.size + copies * aggregate.size_of(payload) <= self.limit

    def add(self, payload: bytes, kind: str | None, repeat: bool) -> None:
        self.users.append(payload)
        self.kinds.append(kind)
        self.size += aggregate.size_of(payload)
        if repeat:
            self.again.append(payload)
            self.size += aggregate.size_of(payload)

    def take(self) -> Record | None:
        """The finished record; the lane is empty afterwards."""
        users, kinds = self.users + self.again, self.kinds + [None] * len(self.again)
        self._reset()
        if not users:
            return None
        marks = tuple(Mark(kind, place) for place, kind in enumerate(kinds) if kind)
        unharmed = (None, malformed.UNKNOWN_PROFILE)
        fine = tuple(user for user, kind in zip(users, kinds, strict=True) if kind in unharmed)
        return Record(self.key, aggregate.encode(self.key, users), fine, marks, len(users))


class Day:
    """Iterate once: yields the records in the order in which they are to be put."""

    def __init__(
        self, catalogue: Catalogue, seed: int, until_ms: int, now_ms: int, events: int
    ) -> None:
        self.tally = Tally()
        self.seed, self.now_ms, self.events = seed, now_ms, events
        self._shape = Random(f"day {seed}")
        self._names = Random(f"names {seed} {until_ms} {now_ms}")
        self.per_kind = max(1, -(-events // 6_000))
        self._beats = plan(catalogue, self._shape, self._names, until_ms, events, self.per_kind)
        self._lanes = [Lane(f"k{n}", self._target(n)) for n in range(LANES)]
        self._routes: dict[str, Lane | None] = {}
        self._seconds: dict[int, str] = {}

    def _target(self, lane: int) -> int:
        return RECORD_LIMIT if lane == 0 else self._shape.randint(*AGGREGATE_BYTES)

    @property
    def planned(self) -> int:
        """Different well-formed events; duplicates and malformed ones come on top."""
        return len(self._beats)

    def __iter__(self) -> Iterator[Record]:
        for record in self._records():
            self.tally.count(record)
            yield record

    def _records(self) -> Iterator[Record]:
        specials = self._specials()
        for number, beat in enumerate(self._beats):
            self.tally.late += beat.lateness == LATE
            self.tally.out_of_order += beat.lateness == OUT_OF_ORDER
            payload = self._render(beat)
            special = specials.get(number)
            if special == LARGE and not beat.session.ghost:
                yield self._padded(beat.session.session_id, payload)
                continue
            if special in malformed.KINDS:
                yield from self._spoil(special, beat, payload)
            yield from self._emit(beat, payload)
        for lane in self._lanes:
            yield from self._flush(lane)

    def _specials(self) -> dict[int, str]:
        """Where in the day something out of the ordinary is sent."""
        kinds = [kind for kind in malformed.KINDS for _ in range(self.per_kind)]
        kinds += [LARGE] * (self.per_kind + SPARE_LARGE)
        return dict(
            zip(self._shape.sample(range(len(self._beats)), len(kinds)), kinds, strict=True)
        )

    def _emit(self, beat: Beat, payload: bytes) -> Iterator[Record]:
        ghost = beat.session.ghost and beat.type == "stop"
        kind = malformed.UNKNOWN_PROFILE if ghost else None
        repeat = not ghost and self._shape.random() < REPEATED_EVENTS
        lane = self._route(beat.session.session_id)
        if lane is None:
            yield self._plain(beat.session.session_id, payload, kind)
            if repeat:
                yield self._plain(beat.session.session_id, payload, None, repeats=True)
            return
        yield from self._pack(lane, payload, kind, repeat)

    def _pack(self, lane: Lane, payload: bytes, kind: str | None, repeat: bool) -> Iterator[Record]:
        if not lane.fits(payload, 1 + repeat):
            yield from self._flush(lane)
        lane.add(payload, kind, repeat)
        self.tally.duplicates += repeat

    def _flush(self, lane: Lane) -> Iterator[Record]:
        record = lane.take()
        if record is None:
            return
        yield record
        small = len(record.data) < AGGREGATE_BYTES[1]
        if small and not record.marks and self._shape.random() < REPEATED_RECORDS:
            yield record._replace(repeats_previous=True)

    def _plain(self, key: str, payload: bytes, kind: str | None, repeats: bool = False) -> Record:
        self.tally.plain += 1
        marks = (Mark(kind, None),) if kind else ()
        fine = () if kind in malformed.EVENT_KINDS else (payload,)
        return Record(key, payload, fine, marks, 1, repeats)

    def _padded(self, key: str, payload: bytes) -> Record:
        """One plain event within a kilobyte of the limit: white space is JSON, too."""
        room = RECORD_LIMIT - len(key) - len(payload) - self._shape.randrange(NEAR_LIMIT)
        return self._plain(key, payload[:-1] + b" " * room + b"}", None)

    def _spoil(self, kind: str, beat: Beat, payload: bytes) -> Iterator[Record]:
        if kind in malformed.RECORD_KINDS:
            key = f"b{self._shape.randrange(LANES)}"
            data = malformed.whole_record(kind, key, [payload] * self._shape.randint(2, 9))
            yield Record(key, data, (), (Mark(kind, None),), 1)
            return
        event_id = random_uuid(self._names)
        bad = malformed.user_record(kind, payload, self._shape, self.now_ms, event_id)
        lane = self._route(beat.session.session_id)
        if lane is None or self._shape.random() < 0.25:
            yield self._plain(beat.session.session_id, bad, kind)
        else:
            yield from self._pack(lane, bad, kind, repeat=False)

    def _route(self, session_id: str) -> Lane | None:
        """The lane of a session, for good; None: its events travel as plain records."""
        if session_id not in self._routes:
            dice = self._shape.random()
            lane = None if dice < PLAIN_SHARE else self._shape.choice(self._lanes[1:])
            full = PLAIN_SHARE <= dice < PLAIN_SHARE + FULL_LANE_SHARE
            self._routes[session_id] = self._lanes[0] if full else lane
        return self._routes[session_id]

    def _render(self, beat: Beat) -> bytes:
        second, ms = divmod(beat.ts_ms, 1_000)
        if second not in self._seconds:
            stamp = datetime.fromtimestamp(second, UTC)
            self._seconds[second] = stamp.strftime("%Y-%m-%dT%H:%M:%S")
        return (
            f'{{"event_id":"{random_uuid(self._names)}","type":"{beat.type}",{beat.session.prefix}'
            f',"position_s":{beat.position_s},"watched_s":{beat.watched_s}'
            f',"bitrate_kbps":{beat.session.bitrate_kbps},"rebuffer_ms":{beat.rebuffer_ms}'
            f',"ts":"{self._seconds[second]}.{ms:03d}Z"}}'
        ).encode()
