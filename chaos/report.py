"""What a game day shows at its end: what happened when, what it cost, which bars it missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chaos.bars import missed
from demo import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from chaos.result import Result
    from chaos.scenarios import Scenario

COLUMNS: Final = (
    *(
        "scenario",
        "writes (RTO)",
        "reads",
        "cache",
        "lost",
        "given up",
        "events",
        "lost",
        "twice",
        "lag",
    ),
    *("seen", "paged", "cleared", "red alarms"),
)


def show(console: Console, result: Result, scenario: Scenario) -> None:
    """One game day: its timeline, and what was missed."""
    console.print(f"{scenario.name}, in seconds since the fault", style="bold")
    table = tables.words("", "s", "what")
    for at, what in result.timeline:
        table.add_row(f"{at:7.1f}", what)
    console.print(table)
    for sentence in missed(result, scenario.bars):
        console.print(f"MISSED: {sentence}", style="bold red", markup=False, highlight=False)


def summary(console: Console, results: Sequence[Result], scenarios: dict[str, Scenario]) -> None:
    """All of them, a row each; times in seconds since the fault."""
    table = tables.figures("", *COLUMNS[:-1], note=COLUMNS[-1])
    for result in results:
        bad = missed(result, scenarios[result.scenario].bars)
        table.add_row(*row(result), style="bold red" if bad else None)
    console.print(table)


def row(result: Result) -> tuple[str, ...]:
    """The texts of a row, for the terminal as for the proof."""
    alarms = ", ".join(f"{name} {seconds(since)}" for name, since in result.alarms) or "none"
    return (
        result.scenario,
        seconds(result.writes_s),
        seconds(result.reads_s),
        seconds(result.cache_s),
        f"{result.lost} of {result.acknowledged:,}",
        "-" if result.rpo_s is None else f"{result.given_up} in {result.rpo_s:.1f} s",
        f"{result.events:,}",
        str(result.events_lost),
        str(result.events_duplicated),
        f"{result.lag_s:.1f}",
        seconds(result.detected_s),
        seconds(result.paged_s),
        seconds(result.cleared_s),
        alarms,
    )


def seconds(moment: float | None) -> str:
    return "-" if moment is None else f"{moment:.1f}"
