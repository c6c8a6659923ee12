"""All sheets of a load; docs/capacity.md and its pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from capacity import bill, fleet, picture, sheets
from capacity import workload as w
from capacity.model import Consumer
from capacity.stream import Stream
from capacity.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from capacity.costs import Costs
    from capacity.sheets import Sheet

VIEWERS: Final = 10_000_000
PER_DECADE: Final = 8
DECADES: Final = range(4, 9)
HEAD: Final = """# Capacity

What {viewers:,.0f} people who watch at the same time need, computed by `make capacity` from what
`make bench ROOM=analytics` has measured; `make capacity VIEWERS=… HEARTBEAT=…` computes another
load. Every figure says what it rests on: measured, an AWS limit, a list price, code of this
repository, or an assumption. Of the platform this is the stream and what counts it;
[costs.md](costs.md) adds up the rest. Nothing of it has run on AWS.
"""
END: Final = """
## Is it right?

`make capacity-runs` records four runs on the laptop cloud that is up: a steady one, and from it
alone the simulation says what the next three will do before each of them begins. Both figures are
in [capacity-runs.md](capacity-runs.md).

<!-- Written by `make capacity WRITE=1` from docs/bench/analytics.json. -->
"""


DRAWN: Final = 4
"""One of so many samples is drawn."""
RUNS: Final = """# Capacity: predicted and measured

Written by `make capacity-runs`: the laptop cloud's whole platform, plain events in strokes of a
quarter of a second, two shards. The simulation of `make capacity` learns from the steady run alone:
{learnt}.

It then says what each other run will do, before that begins: the writer is frozen until another
takes its place, which it believes to take the 6.6 s of docs/proof/recovery.md; ten times the load
for 30 s; the database refuses everybody for five minutes. The
lag is the age of the oldest event that is not counted; it is caught up when it stays below 1.25
times the worst before the trouble. How long that takes is told to a second, the batching window:
from one batch to the next the lag itself swings by as much.

{table}
"""


def write_runs(
    learnt: str, columns: Sequence[str], rows: Sequence[Sequence[str]], path: Path
) -> None:
    lines = ["| " + " | ".join(each) + " |" for each in (columns, *rows)]
    lines.insert(1, "|---|---|" + "---:|" * (len(columns) - 2))
    path.write_text(RUNS.format(learnt=learnt, table="\n".join(lines)))


def consumer(costs: Costs, load: Workload, shape: w.Shape = w.PACKED) -> Consumer:
    return Consumer(Stream(load, shape), costs)


def all_sheets(costs: Costs, viewers: float, heartbeat_s: float | None) -> list[Sheet]:
    """`heartbeat_s` None: 10, 30 and 60 s side by side, and all that follows for 10 s."""
    load = Workload(viewers, heartbeat_s or w.HEARTBEATS_S[0])
    if heartbeat_s is None:
        needs = [
            sheets.need(
                [(f"{s:.0f} s", consumer(costs, replace(load, heartbeat_s=s), shape))
                 for s in w.HEARTBEATS_S],
                f"{viewers:,.0f} viewers, by heartbeat: {shape.name}",
            )
            for shape in (w.PACKED, w.PLAIN)
        ]  # fmt: skip
    else:
        named = [(shape.name, consumer(costs, load, shape)) for shape in w.SHAPES]
        needs = [sheets.need(named, f"{viewers:,.0f} viewers, a heartbeat each {heartbeat_s:g} s")]
    ours = consumer(costs, load)
    return [
        *needs,
        sheets.peers(costs, load),
        sheets.first(costs, load),
        sheets.windows(costs, load),
        fleet.sheet(fleet.predictions(ours)),
        sheets.money(ours),
        sheets.totals(costs, load),
        sheets.prices(),
    ]


def growth(costs: Costs, heartbeat_s: float) -> str:
    """From 10^4 to 10^8 viewers: what grows with them, and what does not begin at nothing."""
    first, last = DECADES[0] * PER_DECADE, DECADES[-1] * PER_DECADE
    loads = [Workload(10 ** (step / PER_DECADE), heartbeat_s) for step in range(first, last + 1)]
    found = [(load.viewers, consumer(costs, load)) for load in loads]
    curves = [
        picture.Curve("USD a month", [(v, bill.total(bill.lines(it)).likely) for v, it in found]),
        picture.Curve("shards", [(v, it.stream.shards.likely) for v, it in found]),
        picture.Curve("vCPU of Lambda", [(v, it.lambda_cores) for v, it in found]),
        picture.Curve("cores of PostgreSQL", [(v, it.postgres_cores) for v, it in found]),
    ]
    title = f"Growth: a heartbeat each {heartbeat_s:g} s, {w.PACKED.name}"
    return picture.growth(title, "viewers", curves)


def lags(costs: Costs, load: Workload) -> str:
    found = fleet.predictions(consumer(costs, load))
    curves = [picture.Curve(each.scenario.name, each.lag.samples[::DRAWN]) for each in found]
    return picture.over_time("Lag when something happens, in seconds (simulated)", curves)


def markdown(found: Sequence[Sheet], viewers: float) -> str:
    parts = [HEAD.format(viewers=viewers)]
    for sheet in found:
        head = "| " + " | ".join(sheet.columns) + " |\n"
        ends_in_words = sheet.columns[-1].startswith(("rests", "the low"))
        figures = len(sheet.columns) - (2 if ends_in_words else 1)
        rule = "|---|" + "---:|" * figures + ("---|" if ends_in_words else "") + "\n"
        rows = "".join("| " + " | ".join(row) + " |\n" for row in sheet.rows)
        note = f"\n{sheet.note}\n" if sheet.note else ""
        parts.append(
            f"\n## {sheet.title}\n\n{head}{rule}{rows}{note}{PICTURES.get(sheet.title, '')}"
        )
    return "".join([*parts, END])


PICTURES: Final = {
    "When something happens": "\n![lag over time](capacity/lag.svg)\n",
    "The bill by how events travel": "\n![growth](capacity/growth.svg)\n",
}


def files(costs: Costs) -> dict[str, str]:
    """What `--write` writes, by path below docs/."""
    load = Workload(VIEWERS)
    return {
        "capacity.md": markdown(all_sheets(costs, VIEWERS, None), VIEWERS),
        "capacity/growth.svg": growth(costs, load.heartbeat_s),
        "capacity/lag.svg": lags(costs, load),
    }


def write(costs: Costs, docs: Path) -> list[Path]:
    written = []
    for name, text in files(costs).items():
        path = docs / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        written.append(path)
    return written
