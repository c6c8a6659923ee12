"""The tables, as texts: shown by rich, written as Markdown. Every row says what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from capacity import bill, limits
from capacity import workload as w
from capacity.model import PER_RECORD, Consumer
from capacity.needs import ROWS
from capacity.prices import PRICES
from capacity.stream import Stream
from capacity.texts import dollars, number, rounded, spread, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity.costs import Costs
    from capacity.workload import Workload

PEERS: Final = {
    "ours": "the consumer",
    "careful": "careful, standard library",
    "bytewax": "bytewax",
    "powertools": "Powertools, pydantic",
    "naive": "an upsert each",
}
WINDOWS_S: Final = (1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Sheet:
    title: str
    columns: Sequence[str]
    """The first names the rows, the last says what they rest on."""
    rows: list[list[str]] = field(default_factory=list)
    note: str = ""


def need(named: Sequence[tuple[str, Consumer]], title: str) -> Sheet:
    columns = ["", *(name for name, _ in named), "rests on"]
    rows = [[name, *(text(it) for _, it in named), rests] for name, text, rests in ROWS]
    return Sheet(title, columns, rows, "Three figures: low / likely / high.")


def peers(costs: Costs, load: Workload) -> Sheet:
    """What others would need for the same plain events; who is slower than a shard is told so."""
    stream = Stream(load, w.PLAIN)
    rows = []
    for who, name in PEERS.items():
        if who not in costs.viewer:
            continue
        it = Consumer(stream, costs, who)
        chains = math.ceil(load.events_s / it.chain_events_s)
        rows.append(
            [
                name,
                number(it.lambda_cores),
                number(it.postgres_cores),
                number(it.redis_cores),
                whole(it.rows_s),
                whole(it.chain_events_s),
                "falls behind" if it.reserve < 1 else f"{it.reserve:.1f} times",
                whole(max(chains, stream.built)),
            ]
        )
    columns = ["who", "vCPU of Lambda", "cores of PostgreSQL", "of Redis", "rows/s",
               "events/s of a chain", "of a shard's load", "shards it needs"]  # fmt: skip
    library = load.events_s * (costs.kpl_us["kpl-library"] - costs.kpl_us["kpl"]) / 1e6
    note = (
        "Plain events keyed by viewer, as measured: µs of CPU by the bench, 0.5 ms a round trip "
        f"(assumption), one for each record by {' and '.join(PEERS[each] for each in PER_RECORD)}. "
        "The others' figures are of batches of 6,000, ours of those that a window gathers. "
        "The consumer does more than they do: watermark, duplicates, history, three more counts of "
        f"viewers. Aggregates taken apart by the library would cost {number(library)} vCPU more."
    )
    return Sheet("What others would need", columns, rows, note)


def windows(costs: Costs, load: Workload) -> Sheet:
    """What a longer batching window, and fewer salts, would save."""
    rows = []
    for salts, name in ((load.salts, "1 + 16 x share x shards"), (few_salts, "share x shards")):
        for window in WINDOWS_S:
            it = Consumer(Stream(replace(load, window_s=window, salts=salts), w.PACKED), costs)
            writes = next(line for line in bill.consumer(it) if line.what.startswith("Aurora: I/O"))
            rows.append(
                [
                    f"{window:.0f} s, salts {name}",
                    whole(it.events),
                    whole(it.stream.invocations_s),
                    whole(it.rows_s),
                    number(it.postgres_cores),
                    number(it.merging_cores),
                    spread(it.wal_bytes_s * 1e-6),
                    whole(writes.dollars.likely),
                ]
            )
    columns = [
        *("batching window", "events of a batch", "invocations/s", "rows/s"),
        *("cores of PostgreSQL", "of them adding up", "log, MB/s", "its I/O, USD a month"),
    ]
    note = (
        "Packed by title. Fewer salts fill shards less evenly; how much less is not computed here."
    )
    return Sheet("Longer windows, fewer salts", columns, rows, note)


def few_salts(share: float, shards: int) -> int:
    return math.ceil(share * shards)


def money(it: Consumer) -> Sheet:
    rows = [[line.what, *dollars(line.dollars), line.rests_on] for line in bill.lines(it)]
    rows.append(["**together**", *dollars(bill.total(bill.lines(it))), ""])
    rows += [
        [f"instead of shards: {line.what}", *dollars(line.dollars), line.rests_on]
        for line in bill.on_demand(it.stream)
    ]
    rows.append(
        ["beside it: REST API, calls", *dollars(bill.calls(it.stream)), "one in 10 min a viewer"]
    )
    note = "US dollars, 730 hours at this load. Prices: below; most of this region are unconfirmed."
    return Sheet(
        f"What drives the bill: {it.stream.shape.name}",
        ["USD a month", "low", "likely", "high", "rests on"],
        rows,
        note,
    )


def totals(costs: Costs, load: Workload) -> Sheet:
    rows = []
    for shape in w.SHAPES:
        it = Consumer(Stream(load, shape), costs)
        rest = [*bill.consumer(it), *bill.way_in(it.stream)]
        rows.append([f"{shape.name}, provisioned", *dollars(bill.total(bill.lines(it)))])
        on_demand = bill.total([*bill.on_demand(it.stream), *rest])
        rows.append([f"{shape.name}, on demand", *dollars(on_demand)])
    return Sheet("The bill by how events travel", ["USD a month", "low", "likely", "high"], rows)


def first(costs: Costs, load: Workload) -> Sheet:
    """What gives way first."""
    rows = [
        [
            limit.name,
            "never" if viewers == math.inf else rounded(viewers),
            "AWS raises it" if limit.quota else "built so",
            limit.then,
            limit.rests_on,
        ]
        for limit, viewers in limits.in_order(costs, load, w.PACKED)
    ]
    return Sheet(
        f"What gives way first: a heartbeat each {load.heartbeat_s:.0f} s, {w.PACKED.name}",
        ["limit", "viewers", "kind", "what to do then", "rests on"],
        rows,
    )


def prices() -> Sheet:
    rows = [
        [it.unit, *(f"{x:.10g}" for x in (it.low, it.likely, round(it.range.high, 10))), it.source]
        for it in PRICES.values()
    ]
    note = (
        "Low: us-east-1, where its source says so. Likely: eu-central-1 from memory, as in "
        "registers/costs.yaml; could not be looked up. High: a quarter more."
    )
    return Sheet("Prices", ["USD for a", "low", "likely", "high", "the low one"], rows, note)
