"""One day on the platform: seed, send, let the consumer catch up, compare."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from demo import catalogue, check, seeding
from demo.day import Day
from demo.drain import Watch
from demo.platform import CannotPlay
from demo.producer import Ledger, send
from demo.progress import step
from demo.rejects import read
from demo.report import Outcome
from demo.sessions import WINDOW_MS
from demo.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from rich.console import Console

    from demo.catalogue import Catalogue
    from demo.check import Before
    from demo.day import Record
    from demo.platform import Platform
    from demo.seeding import Seeded

# An hour that begins later than this ago is still accepted when the last record arrives.
MAX_AGE_MS: Final = 23 * 3_600_000


@dataclass(frozen=True)
class Stage:
    """The hour that is played, and what the platform had counted in it before."""

    now_ms: int
    until_ms: int
    before: Before

    @property
    def hour(self) -> str:
        since, until = (check.moment(ms) for ms in (self.until_ms - WINDOW_MS, self.until_ms))
        return f"{since:%Y-%m-%d %H:%M} to {until:%H:%M} UTC"


def play(
    platform: Platform, console: Console, seed: int, events: int, deploy_s: float | None
) -> Outcome:
    """Raises: `CannotPlay`, `StreamRefusesRecords`, `ConsumerStandsStill`."""
    people = catalogue.build()
    began = time.monotonic()
    seeded = _seed(platform, console, people)
    seeding_s = time.monotonic() - began
    stage = _stage(platform)
    day = Day(people, seed, stage.until_ms, stage.now_ms, events)
    console.print(f"Seed {seed}: {day.planned:,} events of {stage.hour}")

    ledger, kept = Ledger(), list[bytes]()
    with Watch(lambda: platform.postgres("analytics"), platform.stream, ledger) as watch:
        with step(console, "sending", day.planned) as progress:
            kinesis = platform.client("kinesis")
            send(kinesis, platform.stream, _keeping(day, kept), ledger, _summing(progress))
        with step(console, "draining", ledger.records) as progress:
            drained_at = watch.wait(lambda behind: progress(ledger.records - behind))

    console.print("Computing independently what must have been counted, and comparing …")
    truth = Truth(people.profiles)
    for payload in kept:
        truth.absorb(payload)
    findings, kinds, messages = _compare(platform, stage, truth, ledger)
    return Outcome(
        seed, stage.hour, deploy_s, seeded, seeding_s, day.tally, ledger, truth, drained_at,
        watch.max_lag_s, findings, kinds, messages,
    )  # fmt: skip


def _seed(platform: Platform, console: Console, people: Catalogue) -> Seeded:
    with (
        platform.postgres("app") as connection,
        step(console, "seeding", seeding.rows_of(people)) as progress,
    ):
        return seeding.seed(connection, people, _summing(progress))


def _stage(platform: Platform) -> Stage:
    now_ms = time.time_ns() // 1_000_000
    with platform.postgres("analytics") as connection, connection.cursor() as cursor:
        until_ms = check.free_until_ms(cursor, now_ms, WINDOW_MS, MAX_AGE_MS)
        if until_ms is None:
            raise CannotPlay("every hour of the last day was played already: make down, make demo")
        before = check.look(cursor, *_span(until_ms))
    return Stage(now_ms, until_ms, before)


def _span(until_ms: int) -> tuple[datetime, datetime]:
    return check.moment(until_ms - WINDOW_MS), check.moment(until_ms)


def _compare(
    platform: Platform, stage: Stage, truth: Truth, ledger: Ledger
) -> tuple[list[check.Finding], list[check.Kind], int]:
    with platform.postgres("analytics") as connection, connection.cursor() as cursor:
        after = check.look(cursor, *_span(stage.until_ms))
        findings = [
            check.rollups(stage.before, after, truth),
            check.totals(stage.before, after, truth),
            check.history(cursor, truth),
        ]
    redis = platform.redis()
    findings.append(check.viewers(check.count_viewers(redis, sorted(truth.viewers)), truth))
    redis.close()
    pointers = read(platform.client("sqs"), platform.rejects, platform.stream)
    finding, kinds = check.rejects(ledger, pointers)
    return [*findings, finding], kinds, pointers.messages


def _keeping(records: Iterable[Record], kept: list[bytes]) -> Iterator[Record]:
    """Remembers the well-formed events; the truth is computed later, when nothing is timed."""
    for record in records:
        kept.extend(record.payloads)
        yield record


def _summing(progress: Callable[[int], None]) -> Callable[[int], None]:
    total = 0

    def add(more: int) -> None:
        nonlocal total
        total += more
        progress(total)

    return add
