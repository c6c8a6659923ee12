"""`make chaos`: game days on the laptop cloud that is up. Without a name it lists what there is."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from chaos import game, report, scenarios
from chaos.alone import alone
from chaos.bars import missed
from demo import tables
from demo.platform import CannotPlay, Platform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.result import Result

WIDTH: Final = 150
LIMIT_S: Final = 235.0
MISSED, BROKEN = 1, 2  # exit codes: a bar was missed; no game day could be held


def main(arguments: Sequence[str]) -> int:
    given = _parse(arguments)
    terminal = sys.stdout.isatty()
    console = Console() if terminal else Console(force_terminal=False, width=WIDTH)
    if not given.scenario:
        _list(console)
        return 0
    chosen = scenarios.ALL if given.scenario == "all" else (scenarios.BY_NAME[given.scenario],)
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell's job ignores the first
        signal.signal(number, signal.default_int_handler)
    results: list[Result] = []
    try:
        platform = Platform.open(Path(os.environ["STREAMFLIX_OUTPUTS"]))
        with alone():
            for scenario in chosen:
                console.print(f"{scenario.name}: {scenario.line} …", markup=False)
                played = game.play(
                    platform,
                    scenario,
                    patient=not given.quick,
                    limit_s=given.limit,
                    say=lambda words: console.print(f"  {words}", markup=False, highlight=False),
                )
                results.append(played)
                report.show(console, played, scenario)
    except CannotPlay as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return BROKEN
    except KeyboardInterrupt:
        console.print(
            "Interrupted. Load and fault are taken back, unless a line above says otherwise."
        )
        return BROKEN
    finally:
        if given.json:
            given.json.write_text(json.dumps([asdict(each) for each in results], indent=2))
    report.summary(console, results, scenarios.BY_NAME)
    bad = [each for each in results if missed(each, scenarios.BY_NAME[each.scenario].bars)]
    return MISSED if bad else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("scenario", nargs="?", choices=[*scenarios.BY_NAME, "all"])
    parser.add_argument("--quick", action="store_true", help="do not wait for alarms' minutes")
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds from the fault on")
    parser.add_argument("--json", type=Path, help="write the results here")
    return parser.parse_args(arguments)


def _list(console: Console) -> None:
    table = tables.words("make chaos SCENARIO=…", "scenario", "what breaks")
    for scenario in scenarios.ALL:
        table.add_row(scenario.name, scenario.line)
    table.add_row("all", "each of them, one after the other")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
