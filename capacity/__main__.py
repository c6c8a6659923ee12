"""`make capacity`: what so many concurrent viewers need, from measured costs.

python -m capacity --viewers 10000000 --heartbeat 10
python -m capacity --write
python -m capacity compare steady.json failover.json burst.json outage.json
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from capacity import page
from capacity.calibrate import WITHIN, CannotTell, calibrate, compare
from capacity.costs import Costs, NotMeasured
from capacity.runs import NotARun, Run
from demo import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity.calibrate import Verdict
    from capacity.sheets import Sheet

ROOT: Final = Path(__file__).parents[1]
BENCH: Final = ROOT / "docs" / "bench" / "analytics.json"
WIDTH: Final = 170
OFF, REFUSED = 1, 2  # exit codes: a prediction was off; nothing could be computed


def main(arguments: Sequence[str]) -> int:
    given = _parse(arguments)
    terminal = sys.stdout.isatty()
    console = Console() if terminal else Console(force_terminal=False, width=WIDTH)
    try:
        if given.files:
            return _compare(console, given.files, given.lanes, given.keep)
        costs = Costs.read(Path(os.path.relpath(given.bench)))
        if given.write:
            for path in page.write(costs, ROOT / "docs"):
                console.print(f"written: {path.relative_to(ROOT)}", markup=False, highlight=False)
            return 0
        for sheet in page.all_sheets(costs, given.viewers, given.heartbeat):
            show(console, sheet)
    except (NotMeasured, NotARun, CannotTell) as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return REFUSED
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="capacity", description=__doc__)
    parser.add_argument("--viewers", type=amount, help="at the same time; 10 million")
    parser.add_argument("--heartbeat", type=amount, help="seconds; without it 10, 30 and 60")
    parser.add_argument("--bench", type=Path, default=BENCH, help="what was measured")
    parser.add_argument("--write", action="store_true", help="docs/capacity.md, for 10 million")
    parser.set_defaults(files=[], lanes=None, keep=False)
    commands = parser.add_subparsers()
    runs = commands.add_parser("compare", help="predictions beside runs that were measured")
    runs.add_argument("files", type=Path, nargs="+", help="a steady run, then others")
    runs.add_argument("--lanes", type=amount, help="shards at full speed; the run's cores")
    runs.add_argument("--keep", action="store_true", help="docs/capacity-runs.md")
    given = parser.parse_args(arguments)
    if given.write and (given.viewers or given.heartbeat):
        parser.error("--write is always about 10 million viewers: leave the others away")
    given.viewers = given.viewers or page.VIEWERS
    return given


def amount(text: str) -> float:
    value = float(text.replace("_", "").replace(",", ""))
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def show(console: Console, sheet: Sheet) -> None:
    table = tables.figures(sheet.title, *sheet.columns)
    for column in table.columns[1:]:
        if column.header in WORDS:
            column.justify = "left"
    for row in sheet.rows:
        table.add_row(*(cell.replace("**", "") for cell in row))
    console.print(table)
    if sheet.note:
        console.print(f"{sheet.note}\n", style="dim", markup=False, highlight=False)


WORDS: Final = ("rests on", "what to do then", "kind", "the low one")


def _compare(console: Console, files: Sequence[Path], lanes: float | None, keep: bool) -> int:
    """Raises: `NotARun`, `CannotTell`."""
    steady, *others = [Run.read(path) for path in files]
    fleet = calibrate(steady, lanes)
    learnt = (
        f"{fleet.events_s:,.0f} events/s, {fleet.fixed_s * 1e3:.1f} ms an invocation, "
        f"{fleet.per_event_s * 1e6:.1f} µs an event more; {fleet.turn_s * 1e3:.0f} ms and "
        f"{fleet.turn_per_event_s * 1e6:.0f} µs an event between two of them; {fleet.shards} "
        f"shards, {fleet.lanes:g} of them at full speed at the same time"
    )
    console.print(f"from {files[0].name}: {learnt}", markup=False, highlight=False)
    verdicts = [verdict for run in (steady, *others) for verdict in compare(fleet, run)]
    columns = ("run", "figure", "predicted, s", "measured, s", "off", f"within {WITHIN:.0%}")
    table = tables.figures("Predicted and measured", *columns)
    for verdict in verdicts:
        table.add_row(*_row(verdict), style=None if verdict.is_close else "bold red")
    console.print(table)
    if keep:
        rows = [_row(verdict) for verdict in verdicts]
        page.write_runs(learnt, columns, rows, ROOT / "docs" / "capacity-runs.md")
    # The steady run was looked at: what it was fitted to proves nothing.
    return 0 if all(each.is_close for each in verdicts if each.kind != steady.kind) else OFF


def _row(it: Verdict) -> list[str]:
    seconds = ["never" if it is None else f"{it:.2f}" for it in (it.predicted, it.measured)]
    off = "-" if it.error is None else f"{it.error:+.0%}"
    return [it.kind, it.what, *seconds, off, "yes" if it.is_close else "NO"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
