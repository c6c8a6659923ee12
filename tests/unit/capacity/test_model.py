"""What the peers' sheet computed by hand comes out again when the model is fed with its costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capacity import bill, limits
from capacity import workload as w
from capacity.cells import BENCH_FINAL, ceil_salts
from capacity.costs import Costs
from capacity.model import Consumer
from capacity.ranges import Range
from capacity.stream import Stream
from capacity.workload import Workload
from tests.unit.capacity.figures import PLAUSIBLE, cost

COSTS = Costs.of(PLAUSIBLE)
ROW_US = 6.8
SHEET = Costs.of(
    {
        **PLAUSIBLE,
        "viewer": {
            "ours": cost(4.3, 0.70 * ROW_US, 0.141),
            "naive": cost(118.6, 90, 18.5),
            "powertools": cost(169.8, 108, 25),
        },
        "title": {"ours": cost(4.3, 0.081 * ROW_US, 0.141)},
        "sizes": {"1,000": 1e6 / 4.3, "6,000": 1e6 / 4.3, "12,000 in aggregates": 1e6 / 4.3},
    }
)
PLAIN = replace(w.PLAIN, skew=1.0)
PACKED = replace(w.PACKED, skew=1.0)
PACKED_BY_VIEWER = replace(w.PACKED_BY_VIEWER, skew=1.0)


def sheet(heartbeat_s: float, shape: w.Shape, who: str = "ours") -> Consumer:
    """Ten million viewers as the sheet has them: events of 314 bytes, keys of 36, full batches."""
    load = Workload(
        10_000_000,
        heartbeat_s,
        event_bytes=313.7,
        pack_bytes=46.3,
        shard_bytes_s=1_048_576,
        producers=1,
        window_s=100,
        salts=ceil_salts,
    )
    return Consumer(Stream(load, shape), SHEET, who)


@pytest.mark.parametrize(
    ("heartbeat_s", "plain", "packed"), [(10, 1_137, 390), (30, 379, 130), (60, 190, 65)]
)
def test_shards_are_those_of_the_sheet(heartbeat_s: float, plain: int, packed: int) -> None:
    assert sheet(heartbeat_s, PLAIN).stream.even_shards == plain
    assert sheet(heartbeat_s, PACKED).stream.even_shards == pytest.approx(packed, abs=1)


def test_traffic_is_that_of_the_sheet() -> None:
    plain, packed = sheet(10, PLAIN).stream, sheet(10, PACKED).stream

    assert plain.load.events_s == pytest.approx(1.136e6, rel=0.001)
    assert packed.bytes_s / 1e6 == pytest.approx(409, rel=0.002)
    assert packed.events_per_record == 69
    assert plain.invocations_s == pytest.approx(189, rel=0.05)
    assert packed.invocations_s == pytest.approx(91, rel=0.05)


@pytest.mark.parametrize(
    ("shape", "rows", "cores", "off"),
    [
        (PLAIN, 812e3, 5.5, 0.06),
        (PACKED_BY_VIEWER, 724e3, 4.9, 0.06),
        # The sheet has 390 shards here and takes the rows of 345.
        (PACKED, 106e3, 0.72, 0.12),
    ],
)
def test_rows_are_those_of_the_sheet(
    monkeypatch: pytest.MonkeyPatch, shape: w.Shape, rows: float, cores: float, off: float
) -> None:
    monkeypatch.setattr(w, "POSTGRES_FIXED_US", 0.0)  # the sheet has rows alone
    monkeypatch.setattr(w, "MERGE_ROW_US", 0.0)  # and knows no deltas
    it = sheet(10, shape)

    assert it.rows_s == pytest.approx(rows, rel=off)
    assert it.postgres_cores == pytest.approx(cores, rel=off)


@pytest.mark.parametrize(("who", "vcpu"), [("ours", 9.7), ("naive", 140), ("powertools", 198)])
def test_cpus_of_lambda_are_those_of_the_sheet(who: str, vcpu: float) -> None:
    assert sheet(10, PLAIN, who).lambda_cores == pytest.approx(vcpu, rel=0.01)


def test_a_parse_of_aggregates_costs_a_third_of_a_microsecond_as_measured() -> None:
    assert sheet(10, PACKED).envelope_us == pytest.approx(0.33, rel=0.03)


def test_redis_gets_the_members_of_the_sheet_four_times() -> None:
    it = sheet(10, PLAIN)

    assert it.members_s == 4 * it.stream.load.events_s
    assert it.redis_cores == pytest.approx(0.16, abs=0.005)


def test_shards_of_redis_share_all_but_the_key_of_the_minute() -> None:
    """10 million: 0.16 of a core for that key leave 0.44 of its shard, and of each other."""

    def shards(viewers: float) -> int:
        return Consumer(Stream(Workload(viewers), w.PACKED), COSTLY).redis_shards

    assert shards(1_000_000) == 3
    assert shards(10_000_000) == 6  # (2.65 - 0.16) / 0.44
    assert shards(40_000_000) == 0  # the key alone fills a shard


def test_kinesis_costs_what_the_sheet_says_at_the_prices_of_the_sheet() -> None:
    """Those of us-east-1, which are the low ones; a week's keeping is not in it."""

    def dollars(shape: w.Shape) -> float:
        lines = bill.provisioned(sheet(10, shape).stream)
        return sum(line.dollars.low for line in lines if "7 days" not in line.what)

    assert dollars(PLAIN) == pytest.approx(54_000, rel=0.01)
    assert dollars(PACKED) == pytest.approx(4_900, rel=0.01)


def test_on_demand_rounds_each_plain_record_up_to_a_kilobyte() -> None:
    plain, packed = sheet(10, PLAIN).stream, sheet(10, PACKED).stream

    assert plain.on_demand_bytes_s == pytest.approx(1_024 * plain.load.events_s)
    assert packed.bytes_s <= packed.on_demand_bytes_s <= 1.04 * packed.bytes_s
    # 80,000 dollars at 0.08 a gigabyte: the low bound is half of that.
    written = next(each for each in bill.on_demand(packed) if "written" in each.what)
    assert 2 * written.dollars.low == pytest.approx(80_000, rel=0.04)


def test_many_producers_fill_no_record() -> None:
    load = Workload(10_000_000, producers=1)
    few, many = Stream(load, w.PACKED), Stream(replace(load, producers=1_000), w.PACKED)

    assert few.events_per_record == 62
    # 1.5 events of a shard in a second from each of them.
    assert many.events_per_record == pytest.approx(many.load.events_s / many.built / 1_000)
    assert many.put_units_s > 30 * few.put_units_s


def test_a_batch_takes_as_long_as_its_parts() -> None:
    it = Consumer(Stream(Workload(10_000_000), w.PLAIN), COSTS)
    us = it.python_us + it.envelope_us + it.counting_us + it.cost.redis

    assert it.seconds.likely == pytest.approx(us * it.events / 1e6 + 12 * 0.0005 + 0.004)
    assert it.running.likely == pytest.approx(it.seconds.likely * it.stream.invocations_s)


def test_what_is_spent_once_a_batch_weighs_more_in_small_ones() -> None:
    stream = Stream(Workload(10_000_000), w.PLAIN)
    of = {size: Consumer(stream, COSTS, batch=size) for size in (100, 6_000)}

    assert of[6_000].python_us == pytest.approx(COSTS.viewer["ours"].python)
    more = COSTS.fixed_us * (1 / 100 - 1 / 6_000)
    assert of[100].python_us == pytest.approx(of[6_000].python_us + more)


COSTLY = Costs.of(
    PLAUSIBLE | {keyed: {"ours": cost(5, 5, redis=2.33)} for keyed in ("viewer", "title")}
)


@pytest.mark.parametrize("costs", [COSTS, COSTLY], ids=["cheap Redis", "costly Redis"])
@pytest.mark.parametrize("shape", w.SHAPES)
def test_more_viewers_never_need_less(shape: w.Shape, costs: Costs) -> None:
    found = [Consumer(Stream(Workload(10 ** (step / 4)), shape), costs) for step in range(12, 36)]
    for needed in (
        [it.stream.built for it in found],
        [it.lambda_cores for it in found],
        [it.postgres_cores for it in found],
        [it.members_s for it in found],
        [it.acus.high for it in found],
        [bill.redis_shards(it).likely for it in found],
        [bill.total(bill.lines(it)).likely for it in found],
    ):
        assert needed == sorted(needed)


@pytest.mark.parametrize("shape", w.SHAPES)
@pytest.mark.parametrize("limit", limits.LIMITS, ids=lambda limit: limit.name)
def test_at_its_number_of_viewers_a_limit_is_used_up(limit: limits.Limit, shape: w.Shape) -> None:
    viewers = limits.viewers_at(limit, COSTS, Workload(1), shape)

    def used(times: float) -> float:
        stream = Stream(Workload(viewers * times), shape)
        return limit.used(Consumer(stream, COSTS))

    assert used(0.98) < 1 <= used(1.02)


def test_adding_up_costs_what_it_cost_in_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute with the bench's 20 batches of one shard that sees every title; the bench adds it up
    at once, and so knows no rows that are there by then."""
    load = Workload(2_000 * 10 * w.HEARTBEATS, linger_s=0, window_s=3)
    it = Consumer(Stream(load, replace(w.PLAIN, skew=1.0)), COSTS, batch=6_000)

    assert it.stream.load.events_s == pytest.approx(2_000)
    # 120,000 events in all; those of the last batch come after the minute has turned.
    assert it.final_rows / 120_000 == pytest.approx(BENCH_FINAL, rel=0.25)
    in_turns = it.merging_cores
    monkeypatch.setattr(w, "LATER_ROW", 1.0)
    us = it.merging_cores / it.stream.load.events_s * 1e6
    assert us == pytest.approx(COSTS.viewer["ours"].merge, rel=0.4)
    assert in_turns > it.merging_cores


def test_who_adds_up_reads_every_row_and_writes_each_cell_once() -> None:
    few, many = (
        Consumer(Stream(Workload(10_000_000), shape), COSTS) for shape in (w.PACKED, w.PLAIN)
    )

    assert few.final_rows_s == many.final_rows_s
    more = w.MERGE_ROW_US * (many.rows_s - few.rows_s) / 1e6
    assert many.merging_cores - few.merging_cores == pytest.approx(more)


def test_bounds_that_are_no_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="is not so"):
        Range(2, 1, 3)


def test_ranges_add_up_and_multiply_end_by_end() -> None:
    assert Range(1, 2, 3) + Range.exactly(1) == Range(2, 3, 4)
    assert Range(1, 2, 3) * Range(1, 2, 3) * 2 == Range(2, 8, 18)
