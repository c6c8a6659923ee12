"""The chapters of whoever is on call: the writer dies under load, a restore is rehearsed; a table
is dropped, and a cutover brings it back."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from chaos import cluster, game, report
from chaos.bars import missed
from chaos.scenarios import BY_NAME
from demo import restores, tables
from demo.platform import CannotPlay
from demo.progress import step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from chaos.result import Result
    from demo.platform import Platform

KILLED: Final = "writer-killed"
DROPPED: Final = "table-dropped"
KILLED_LIMIT_S: Final = 60.0
DROPPED_LIMIT_S: Final = 300.0
DRILL_S: Final = 300.0
STATES: Final = 13


def play(platform: Platform, console: Console) -> bool:
    """Whether nothing is gone that nobody gave up, and the restore was rehearsed with success.

    Raises: `CannotPlay` when a drill does not end.
    """
    scenario = BY_NAME[KILLED]
    result = game.play(platform, scenario, patient=False, limit_s=KILLED_LIMIT_S)
    report.show(console, result, scenario)
    record = drill(platform, console, "latest")
    _show(console, record)
    return not missed(result, scenario.bars) and record["outcome"] == "passed"


def drop(platform: Platform, console: Console) -> bool:
    """Whether the catalogue is back, the copy adopted, and nothing lost that nobody gave up."""
    scenario = BY_NAME[DROPPED]
    before, kept = cluster.in_service(platform), cluster.beside(platform)
    console.print("Somebody drops the catalogue. It takes half a minute until all is whole.")
    result = game.play(
        platform,
        scenario,
        patient=False,
        limit_s=DROPPED_LIMIT_S,
        say=lambda words: console.print(f"  {words}", markup=False, highlight=False),
    )
    report.show(console, result, scenario)
    _show_dropped(console, result)
    whole = _show_whole(platform, console, before, kept)
    return whole and not missed(result, scenario.bars)


def drill(platform: Platform, console: Console, target: str) -> dict[str, Any]:
    """Rehearse a restore to this moment, or to the latest; returns what is on record about it."""
    run = f"by-hand-{uuid.uuid4()}"
    execution = restores.Execution.begin(platform, run, {"mode": "drill", "target": target})
    with step(console, "rehearsing a restore", STATES) as progress:

        def told(entered: Mapping[str, float]) -> None:
            progress(min(len(entered), STATES))

        try:
            execution.follow(DRILL_S, told)
        except restores.DoesNotEnd as error:
            raise CannotPlay(str(error)) from None
        progress(STATES)
    record = restores.record(platform, run)
    if not record:
        raise CannotPlay(f"the drill {run} was refused: make logs ROOM=recovery")
    return record


def _show_dropped(console: Console, result: Result) -> None:
    title = "A table dropped by mistake, and brought back by a cutover"
    table = tables.figures(title, "", "measured", "allowed")
    bars = BY_NAME[DROPPED].bars
    wait = f"{report.seconds(result.adoption_s)} s"
    rto, rpo = f"{report.seconds(result.writes_s)} s", f"{report.seconds(result.rpo_s)} s"
    rows = (
        ("until the application writes again", rto, f"{bars.writes_s:.0f} s"),
        ("rows lost that were there before", f"{result.lost} of {result.acknowledged:,}", "0"),
        ("rows given up: between target and fault", f"{result.given_up}", ""),
        ("which are so many seconds", rpo, "300 s"),
        ("events lost", f"{result.events_lost} of {result.events:,}", "0"),
        ("events counted twice", f"{result.events_duplicated}", "0"),
        ("longest wait for a write in the adoption", wait, f"{bars.adoption_s:.0f} s"),
    )
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _show_whole(platform: Platform, console: Console, before: str, kept: list[str]) -> bool:
    """Whether the stack's names belong to another cluster, with all its instances, and nothing is
    left but `kept`."""
    name, after = platform.outputs["AuroraClusterId"], cluster.in_service(platform)
    members, beside = cluster.members(platform), cluster.beside(platform)
    console.print(f"{name} was {before} and is {after}. Its instances, the writer first:")
    console.print(f"{', '.join(members)}. Beside it: {', '.join(beside) or 'no other cluster'}.\n")
    named = all(each.startswith(f"{name}-") and len(each) == len(name) + 2 for each in members)
    return after != before and named and beside == kept


def _show(console: Console, record: dict[str, Any]) -> None:
    table = tables.figures("A restore, rehearsed beside the database", "", "measured", "objective")
    rto, rpo = record["rto_seconds"], record["rpo_seconds"]
    table.add_row("copied, closed, erased in, verified", f"{rto or 0:.1f} s", "1,800 s")
    table.add_row("writing that the copy lacks", f"{rpo or 0:.1f} s", "300 s")
    table.add_row("accounts in the copy", f"{record['accounts'] or 0:,}", "")
    table.add_row("of them erased again", f"{record['accounts_erased'] or 0:,}", "")
    console.print(table)
    console.print(f"The copy {record['copy']} is gone again; make incident lists the drill.\n")
