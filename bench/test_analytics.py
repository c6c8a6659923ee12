"""`make bench ROOM=analytics`: what an event costs the consumer, beside what others would write,
and beside what cannot be undercut.

Each sample is a process of its own on empty tables; variants take turns, round after round. What
each has written is compared row for row with what must come of the events before any figure counts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest

from bench.analytics import day, page
from bench.analytics.ground import (
    COUNTING,
    PYTHON,
    ROOT,
    ROWS,
    Cost,
    Ground,
    Load,
    Written,
    prepared,
)
from bench.picture import curve
from tests.integration.conftest import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from redis.cluster import RedisCluster

    from tests.integration.conftest import Database, Servers

BATCH: Final = 6_000
"""Plain records of which one invocation holds so many: the payload's limit is 6 MB."""
PACKED: Final = 12_000
"""The same in aggregates of 60."""
PER_RECORD: Final = 60
SHARD: Final = "shardId-000000000000"
WRITERS: Final = (1, 2, 4)
WRITES, WRITE = 28, 2_500
"""So many shards at once, so many batches of each, so many events in one."""
EVERY: Final = 0.06
"""Seconds from one batch of a shard to its next, where shards pause: four keep the cores at work a
third of the time."""
WARM, MEASURED = 1, 20
ROUNDS: Final = 5

LIMITS: Final = ("json", "msgspec", "copy")
SLOW: Final = ("naive", "powertools", "bytewax")
"""They get fewer batches, or a round would take minutes."""


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Without readers: in an account they replay the log on machines of their own."""
    with serving(tmp_path_factory.mktemp("servers"), readers=0) as servers:
        yield servers


@pytest.fixture(scope="session")
def ground(database: Database, servers: Any, redis_ops: RedisCluster) -> Ground:
    return prepared(database, servers, redis_ops)


def _load(folder: Path, keyed: str, size: int, per_record: int, batches: int) -> Load:
    files, items = [], []
    for number in range(WARM + batches):
        made = day.events(size, number, keyed)
        file = folder / f"{keyed}-{size}-{per_record}-{number}.json"
        file.write_bytes(day.invocation(made, SHARD, per_record))
        files.append(str(file))
        items += made
    return Load(files[:WARM], files[WARM:], size * batches, day.digest(day.expected(items)))


def _taken(ground: Ground, loads: dict[str, Load]) -> dict[str, Cost]:
    """Medians of rounds in which everybody has his turn, each time in another order."""
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in loads}
    names = list(loads)
    for number in range(ROUNDS):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            samples[name].append(ground.sample(name.partition(" ")[0], loads[name]))
    return {name: _cost(taken, loads[name].events) for name, taken in samples.items()}


def _cost(samples: Sequence[dict[str, float]], events: int) -> Cost:
    medians = {key: statistics.median(each[key] for each in samples) for key in samples[0]}
    scaled = {key: medians[key] / events * 1e6 for key in medians if key != "peak_mb"}
    return Cost(**scaled, peak_mb=medians["peak_mb"])


@pytest.mark.parametrize("keyed", ["viewer", "title"])
def test_an_event_costs_little_more_than_reading_it(
    ground: Ground, results: Path, tmp_path: Path, keyed: str
) -> None:
    many, few = (_load(tmp_path, keyed, BATCH, 1, number) for number in (MEASURED, 1))
    names = (*COUNTING, *LIMITS)
    costs = _taken(ground, {name: few if name in SLOW else many for name in names})
    ours, limits = costs["ours"], costs["msgspec"].python
    copied = limits + costs["copy"].all_in
    page.keep(
        results, keyed, {name: vars(cost) | {"all_in": cost.all_in} for name, cost in costs.items()}
    )
    bars = {
        "of reading": (ours.python / limits, "<=", 2.6),
        "of reading and COPY, all in": (ours.all_in / copied, "<=", 1.6),
        "Powertools": (costs["powertools"].python / ours.python, ">=", 30),
        "bytewax": (costs["bytewax"].python / ours.python, ">=", 15),
        "the careful one": (costs["careful"].python / ours.python, ">=", 3),
        "how careful: json.loads of its handler": (
            costs["json"].python / costs["careful"].python,
            ">=",
            0.30,
        ),
        "peak MB": (ours.peak_mb, "<=", 256),
    }
    assert page.judge(results, keyed, bars) == []


def test_a_batch_of_any_size_is_worth_it(ground: Ground, results: Path, tmp_path: Path) -> None:
    shapes = {f"{size:,}": (size, 1) for size in (100, 1_000, BATCH)}
    shapes[f"{PACKED:,} in aggregates"] = PACKED, PER_RECORD
    loads = {
        f"ours {name}": _load(tmp_path, "title", size, per, max(MEASURED, 5_000 // size))
        for name, (size, per) in shapes.items()
    }
    costs = _taken(ground, loads)
    speeds = {name: 1e6 / costs[f"ours {name}"].python for name in shapes}
    page.keep(results, "sizes", speeds)
    picture = curve("Events a second, for a core of Lambda", "1/s", list(speeds.items()), 200_000)
    (results / "analytics-batches.svg").write_text(picture)


def test_aggregates_are_taken_apart_faster_than_by_the_library(
    ground: Ground, results: Path, tmp_path: Path
) -> None:
    load = _load(tmp_path, "title", PACKED, PER_RECORD, MEASURED)
    costs = _taken(ground, {"kpl": load, "kpl-library": load})
    speed = 1e6 / costs["kpl"].python
    ratio = costs["kpl-library"].python / costs["kpl"].python
    page.keep(results, "kpl", {name: cost.python for name, cost in costs.items()})
    bars = {"events a second": (speed, ">=", 250_000), "of the library's way": (ratio, ">=", 2)}
    assert len(page.judge(results, "kpl", bars)) < 2  # one of them is asked for


def test_shards_that_count_the_same_minute_do_not_wait_for_each_other(
    ground: Ground, results: Path, tmp_path: Path
) -> None:
    shards, items = [], []
    for shard in range(max(WRITERS)):
        files = []
        for number in range(1 + WRITES):
            made = day.events(WRITE, number, shard=shard)
            file = tmp_path / f"writer-{shard}-{number}.json"
            file.write_bytes(day.invocation(made, f"shardId-{shard:012d}"))
            files.append(str(file))
            items += made
        shards.append(files)
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    [(before,)] = ground.database.rows("", deadlocks)
    ways = [(count, every) for count in WRITERS for every in (0.0, EVERY)]
    found: dict[tuple[int, float], list[Written]] = {way: [] for way in ways}
    for number in range(ROUNDS):
        for count, every in ways[number % len(ways) :] + ways[: number % len(ways)]:
            found[count, every].append(ground.written(shards[:count], every))
    ground.written(shards)
    rows = ground.database.rows("analytics_owner", ROWS)
    assert day.digest(rows) == day.digest(day.expected(items))
    [(after,)] = ground.database.rows("", deadlocks)

    at_once, paced = (
        {count: _middle(found[count, every]) for count in WRITERS} for every in (0.0, EVERY)
    )
    page.keep(results, "writers", {count: [*at_once[count], *paced[count]] for count in WRITERS})
    bars = {
        "of one writer, a batch now and then": (paced[4].seconds / paced[1].seconds, "<=", 2.0),
        "of one writer, without a pause": (at_once[4].seconds / at_once[1].seconds, "<=", 2.0),
        "deadlocks": (after - before, "<=", 0),
    }
    assert page.judge(results, "writers", bars) == []


def _middle(found: Sequence[Written]) -> Written:
    seconds, cores = (statistics.median(column) for column in zip(*found, strict=True))
    return Written(seconds, cores)


def test_a_process_begins_about_as_fast_as_a_client_of_aws(results: Path, tmp_path: Path) -> None:
    taken = {
        name: [_began(code, tmp_path) for _ in range(1 + 2 * ROUNDS)][1:]
        for name, code in INIT.items()
    }
    seconds = {name: statistics.median(each) for name, each in taken.items()}
    page.keep(results, "init", seconds)
    ratio = seconds["the consumer"] / seconds["a client of boto3"]
    assert page.judge(results, "init", {"of a client of boto3": (ratio, "<=", 1.4)}) == []


INIT: Final = {
    "a client of boto3": "import boto3; boto3.client('secretsmanager')",
    "the consumer": (
        "from analytics import consume; from streamflix import aws;"
        "aws.client('secretsmanager'); aws.client('ssm'); import redis.cluster, psycopg2"
    ),
}


def _began(code: str, folder: Path) -> float:
    """Seconds of CPU that it takes beyond Python itself, with bytecode as a layer ships it."""
    measured = f"""
import resource
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before = spent()
{code}
print(spent() - before)
"""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env |= {
        "PYTHONPATH": "functions:layers/core/python",
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_REGION": "eu-central-1",
    }
    done = subprocess.run(
        [str(PYTHON), "-c", measured], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return float(done.stdout)
