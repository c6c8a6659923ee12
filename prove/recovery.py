"""`make prove ROOM=recovery`: game days, a drill of a gigabyte, restores that are killed, and how
soon the monitor tells what it cannot see.

Deploys on a laptop cloud of its own, rehearses a restore there, and breaks it, one fault after the
other, under load; the room's crash matrices run beside it. Takes three quarters of an hour.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from chaos import report, scenarios
from chaos.bars import missed
from chaos.result import Result
from local.instance import Instance
from prove import monitor, past
from prove.platform import deploy, laptop
from prove.privacy import numbers, pytest

CRASHES = (
    "tests/integration/recovery/test_crash.py",
    "tests/integration/recovery/test_cutover_crash.py",
)
LIMIT_S = "420"  # so that alarms that look back five minutes are seen to clear


def prove(root: Path) -> tuple[str, bool]:
    """The page, and whether every bar was met."""
    with ThreadPoolExecutor(2) as beside:  # most of a game day is waiting for an alarm's minute
        matrix, half_an_hour = beside.submit(_killed, root), beside.submit(past.cut_over, root)
        instance = Instance.named("prove", root=root)
        laptop(instance, "up")
        try:
            laptop(instance, "deploy")
            drill = _drilled(root)
            results = _held(root)
            told = _told(instance)
        finally:
            laptop(instance, "down")
        points, killed, ended_well = matrix.result()
        before = half_an_hour.result()
    bad = {each.scenario: missed(each, scenarios.BY_NAME[each.scenario].bars) for each in results}
    bad["drill"] = [] if drill.get("held") else [f"missed: {drill.get('missed', 'all of it')}"]
    bad["monitor"] = [f"late: {each.name}" for each in told if not each.held]
    bad["monitor"] += ["not all was measured"] if len(told) < len(monitor.BLOWS) else []
    bad["half an hour ago"] = [] if before.well else ["the tests of it failed"]
    bad["killed"] = [] if ended_well else ["a drill that was killed did not end as it should"]
    proven = len(results) == len(scenarios.ALL) and not any(bad.values())
    rehearsed = _table(drill) if drill else "The drill did not end.\n"
    chapters = {"drill": rehearsed, "monitored": _monitored(told), "before": _before(before)}
    return _document(results, bad, chapters, points, killed), proven


def _killed(root: Path) -> tuple[int, int, bool]:
    """Points, how many of them were reached, and whether each drill ended as it should."""
    with tempfile.TemporaryDirectory() as folder:
        report_ = Path(folder) / "killed.xml"
        done = subprocess.run(
            [*pytest(root, report_), *CRASHES],
            cwd=root,
            env=os.environ | {"RECOVERY_CRASH_POINTS": "0"},
            check=False,
        )
        found = numbers(report_)
    points, killed = (
        sum(int(value) for name, value in found.items() if name.startswith(f"{kind}-"))
        for kind in ("points", "killed")
    )
    return points, killed, done.returncode == 0


def _drilled(root: Path) -> dict[str, Any]:
    """The figures of `prove.drill`; nothing when it broke off."""
    figures: dict[str, Any] = _figures(root, "prove.drill") or {}
    return figures


def _told(instance: Instance) -> list[monitor.Told]:
    """The same platform, with the least objective that the template takes."""
    config = instance.home / "samconfig-objective.toml"
    mark = '"EnvironmentSuffix=local",'
    head, _, tail = (instance.root / "samconfig.toml").read_text().rpartition(mark)
    config.write_text(f'{head}{mark} "RpoSeconds={monitor.OBJECTIVE_SECONDS}",{tail}')
    deploy(instance, config)
    return [monitor.Told(**each) for each in _figures(instance.root, "prove.monitor") or []]


def _figures(root: Path, module: str) -> Any:
    """What a proof of its own prints; nothing when it broke off."""
    python = str(root / ".local/venvs/cloud/bin/python")
    command = [python, "-m", "local", "--instance", "prove", "run", "--", python, "-m", module]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    return json.loads(done.stdout) if done.stdout.startswith(("{", "[")) else None


def _before(found: past.Past) -> str:
    if found.back_seconds is None:
        return "It did not end.\n"
    return (
        f"The copy showed the database of {found.back_seconds / 60:.1f} minutes before the\n"
        f"cutover began; the application was let in after {report.seconds(found.rto_seconds)} s.\n"
        f"{found.batches} batches of events, one of before, one of the outage and the others of\n"
        "the time in between, were counted exactly once.\n"
    )


def _monitored(told: list[monitor.Told]) -> str:
    head = "| what happens | told after s | over, after its end, s |\n|---|---:|---:|\n"
    return head + "".join(
        f"| {each.name} | {report.seconds(each.breached_s)} | {report.seconds(each.over_s)} |\n"
        for each in told
    )


def _table(drill: dict[str, Any]) -> str:
    head = "| restored to | RTO s | RPO s | accounts | erased again |\n|---|---:|---:|---:|---:|\n"
    rows = "".join(
        f"| {words} | {run['rto_seconds']:.1f} | {run['rpo_seconds']:.1f} "
        f"| {run['accounts']:,} | {run['accounts_erased']:,} |\n"
        for words, run in (
            ("a moment before somebody was erased", drill["to_a_time"]),
            ("the latest there is", drill["latest"]),
        )
    )
    size = (
        f"{drill['megabytes']:,} MB of the app schema, {drill['wal_megabytes']:,} MB of log after"
    )
    return f"{size} the base backup.\n\n{head}{rows}"


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


def _document(
    results: list[Result],
    bad: dict[str, list[str]],
    chapters: dict[str, str],
    points: int,
    killed: int,
) -> str:
    lines = {each.name: each.line for each in scenarios.ALL}
    faults = "".join(f"| {name} | {line} |\n" for name, line in lines.items())
    head = f"| {' | '.join(report.COLUMNS)} |\n|---|{'---:|' * (len(report.COLUMNS) - 2)}---|\n"
    rows = head + "".join(f"| {' | '.join(report.row(each))} |\n" for each in results)
    missing = [f"- {name}: {sentence}" for name, all_ in bad.items() for sentence in all_]
    missing += [f"- {name}: not held" for name in lines if name not in bad]
    verdict = "Every bar was met." if not missing else "NOT PROVEN:\n\n" + "\n".join(missing)
    told = "\n".join(_timeline(each) for each in results)
    return TEXT.format(
        verdict=verdict,
        faults=faults,
        rows=rows,
        timelines=told,
        **chapters,
        bar=monitor.BAR_SECONDS,
        objective=monitor.OBJECTIVE_SECONDS,
        points=points,
        killed=killed,
    )


def _timeline(result: Result) -> str:
    moments = "".join(f"{at:8.1f}  {what}\n" for at, what in result.timeline)
    return f"### {result.scenario}\n\n```\n{moments}```\n"


TEXT = """# Proof: recovery

Written by `make prove ROOM=recovery`: the template as it stands on a laptop cloud, an application
that commits rows, reads them and keeps sessions in the cache twenty times a second, and a hundred
events a second. {verdict}

## A restore, rehearsed

The workflow as it is deployed, with IAM enforced: copied, closed to everybody but master, migrated,
erased in, verified, taken away. RTO ends when the copy is verified. RPO is the age of the heartbeat
in the copy at the moment that was asked for.

{drill}
SIGKILL before and after recorded calls to AWS and PostgreSQL, spread over all of a drill and over
all of a cutover with its adoption ({points} points, {killed} of them reached; AWS is asked more or
less often whether it is ready). A drill goes on as the same run, or the next one begins: each time
it passed, the hold was free, and no cluster and no instance was left. A cutover goes on: each time
the copy was in service under the stack's names, described field by field as the original was, with
every login open, the epoch one higher, and nothing left of it but the replaced cluster.

## Game days

| scenario | what breaks |
|---|---|
{faults}
Seconds since the fault. `writes` (the recovery time), `reads` and `cache` end with the answer after
the last failure, so that an address that works and fails again has not recovered. `lost` are
acknowledged transactions that are not in the database afterwards; events are compared row by row
with a count that shares no code with the consumer. `lag` is the age of the oldest event that was
not counted. `given up` are rows that were acknowledged between the moment that a cutover went back
to and the fault: gone on purpose, and not among the lost. `seen` is the write probe, which writes
each second; `paged` is a composite alarm whose message arrived in a queue; `cleared` is when the
last red alarm was quiet again.

{rows}
`table-dropped` is over when the cutover's execution has ended; the adoption afterwards has its own
line in the timeline, with the longest that a write waited in it. Between target and cutover two
logins get new passwords, which the copy does not know. The probe's own row is not dropped, so that
it notices nothing before the fence; what it and everybody else wrote until then is gone as well,
and alarmed. How long people take to find out is not in the number.

An outage that is over before three writes of the probe failed turns no alarm red on purpose; it is
on record as an incident with its cause. Seconds are this laptop cloud's: streaming replication and
a watch of half a second say nothing about Aurora, whose failovers take half a minute or more.

## Back to half an hour ago

A mistake that nobody notices for half an hour; meanwhile two logins are rotated, somebody is
erased, another one asks for it, and events come. The cutover, the adoption and a week later the
first drill are the end-to-end tests of `make test`, with that half hour in them: what was there
is there and the mistake is gone, whoever was erased stays erased, the open request ends with its
receipt, and Describe of cluster and instances equals the one before.

{before}
## What the monitor cannot see

It looks each minute; {bar:.0f} s are allowed. Deployed with `RpoSeconds={objective}`, the least
that the template takes: what is not archived is a breach when it is older than that.

{monitored}
## What happened when

{timelines}
## What is left out

- A full disk: Aurora's volume grows by itself, so a full one would prove something about
  PostgreSQL on a laptop. What can fill up on AWS is an instance's local storage, which the laptop
  does not have.
"""
