"""`make prove ROOM=recovery`: every game day of `make chaos`, with its alarms and pages.

Deploys on a laptop cloud of its own and breaks it, one fault after the other, under load. Takes
about 25 minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from chaos import report, scenarios
from chaos.bars import missed
from chaos.result import Result
from local.instance import Instance
from prove.platform import laptop

LIMIT_S = "420"  # so that alarms that look back five minutes are seen to clear


def prove(root: Path) -> tuple[str, bool]:
    """The page, and whether every bar was met."""
    instance = Instance.named("prove", root=root)
    laptop(instance, "up")
    try:
        laptop(instance, "deploy")
        results = _held(root)
    finally:
        laptop(instance, "down")
    bad = {each.scenario: missed(each, scenarios.BY_NAME[each.scenario].bars) for each in results}
    proven = len(results) == len(scenarios.ALL) and not any(bad.values())
    return _document(results, bad), proven


def _held(root: Path) -> list[Result]:
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "results.json"
        command = [sys.executable, "-m", "local", "--instance", "prove", "chaos", "all"]
        options = ["--limit", LIMIT_S, "--json", str(told)]
        subprocess.run([*command, *options], cwd=root, check=False)
        found: list[dict[str, Any]] = json.loads(told.read_text()) if told.exists() else []
    return [
        Result(**each | {name: tuple(map(tuple, each[name])) for name in ("alarms", "timeline")})
        for each in found
    ]


def _document(results: list[Result], bad: dict[str, list[str]]) -> str:
    lines = {each.name: each.line for each in scenarios.ALL}
    faults = "".join(f"| {name} | {line} |\n" for name, line in lines.items())
    head = f"| {' | '.join(report.COLUMNS)} |\n|---|{'---:|' * (len(report.COLUMNS) - 2)}---|\n"
    rows = head + "".join(f"| {' | '.join(report.row(each))} |\n" for each in results)
    missing = [f"- {name}: {sentence}" for name, all_ in bad.items() for sentence in all_]
    missing += [f"- {name}: not held" for name in lines if name not in bad]
    verdict = "Every bar was met." if not missing else "NOT PROVEN:\n\n" + "\n".join(missing)
    told = "\n".join(_timeline(each) for each in results)
    return TEXT.format(verdict=verdict, faults=faults, rows=rows, timelines=told)


def _timeline(result: Result) -> str:
    moments = "".join(f"{at:8.1f}  {what}\n" for at, what in result.timeline)
    return f"### {result.scenario}\n\n```\n{moments}```\n"


TEXT = """# Proof: recovery

Written by `make prove ROOM=recovery`: the template as it stands on a laptop cloud, an application
that commits rows, reads them and keeps sessions in the cache twenty times a second, and a hundred
events a second. {verdict}

| scenario | what breaks |
|---|---|
{faults}
Seconds since the fault. `writes` (the recovery time), `reads` and `cache` end with the answer after
the last failure, so that an address that works and fails again has not recovered. `lost` are
acknowledged transactions that are not in the database afterwards; events are compared row by row
with a count that shares no code with the consumer. `lag` is the age of the oldest event that was
not counted. `seen` is the write probe, which writes each second; `paged` is a composite alarm whose
message arrived in a queue; `cleared` is when the last red alarm was quiet again.

{rows}
An outage that is over before three writes of the probe failed turns no alarm red on purpose; it is
on record as an incident with its cause. Seconds are this laptop cloud's: streaming replication and
a watch of half a second say nothing about Aurora, whose failovers take half a minute or more.

## What happened when

{timelines}
## What is left out

- A full disk: Aurora's volume grows by itself, so a full one would prove something about
  PostgreSQL on a laptop. What can fill up on AWS is an instance's local storage, which the laptop
  does not have.
- A table dropped by mistake: it needs the cutover of the restore workflow, which does not exist
  yet.
"""
