"""The chapters of whoever is on call: the writer dies under load; a restore is rehearsed."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from chaos import game, report
from chaos.bars import missed
from chaos.scenarios import BY_NAME
from demo import tables
from demo.platform import CannotPlay
from demo.progress import step

if TYPE_CHECKING:
    from rich.console import Console

    from demo.platform import Platform

FAULT: Final = "writer-killed"
LIMIT_S: Final = 60.0
DRILL_S: Final = 300.0
STATES: Final = 13


def play(platform: Platform, console: Console) -> bool:
    """Whether nothing that was acknowledged is gone, and the restore was rehearsed with success.

    Raises: `CannotPlay` when a drill does not end.
    """
    scenario = BY_NAME[FAULT]
    result = game.play(platform, scenario, patient=False, limit_s=LIMIT_S)
    report.show(console, result, scenario)
    record = drill(platform, console, "latest")
    _show(console, record)
    return not missed(result, scenario.bars) and record["outcome"] == "passed"


def drill(platform: Platform, console: Console, target: str) -> dict[str, Any]:
    """Rehearse a restore to this moment, or to the latest; returns what is on record about it."""
    run, workflow = f"by-hand-{uuid.uuid4()}", platform.client("stepfunctions")
    execution = workflow.start_execution(
        stateMachineArn=platform.outputs["RestoreStateMachineArn"],
        name=run,
        input=json.dumps({"mode": "drill", "target": target}),
    )["executionArn"]
    began = time.monotonic()
    with step(console, "rehearsing a restore", STATES) as progress:
        while workflow.describe_execution(executionArn=execution)["status"] == "RUNNING":
            if time.monotonic() - began > DRILL_S:
                raise CannotPlay(f"the drill {run} does not end: make incident")
            progress(_entered(workflow, execution))
            time.sleep(0.5)
        progress(STATES)
    item = platform.client("dynamodb").get_item(
        TableName=platform.outputs["IncidentsTableName"],
        Key={"kind": {"S": "restore"}, "at": {"S": run}},
    )
    if "Item" not in item:
        raise CannotPlay(f"the drill {run} was refused: make logs ROOM=recovery")
    record: dict[str, Any] = json.loads(item["Item"]["record"]["S"])
    return record


def _entered(workflow: Any, execution: str) -> int:
    history = workflow.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    names = {each["stateEnteredEventDetails"]["name"] for each in history if _enters(each)}
    return min(len(names), STATES)


def _enters(event: dict[str, Any]) -> bool:
    return "stateEnteredEventDetails" in event


def _show(console: Console, record: dict[str, Any]) -> None:
    table = tables.figures("A restore, rehearsed beside the database", "", "measured", "objective")
    rto, rpo = record["rto_seconds"], record["rpo_seconds"]
    table.add_row("copied, closed, erased in, verified", f"{rto or 0:.1f} s", "1,800 s")
    table.add_row("writing that the copy lacks", f"{rpo or 0:.1f} s", "300 s")
    table.add_row("accounts in the copy", f"{record['accounts'] or 0:,}", "")
    table.add_row("of them erased again", f"{record['accounts_erased'] or 0:,}", "")
    console.print(table)
    console.print(f"The copy {record['copy']} is gone again; make incident lists the drill.\n")
