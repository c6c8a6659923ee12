"""`make drill`, `make cutover`, `make adopt`: a human begins the restore workflow, and follows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from account import guard, in_service
from account.clock import REAL, Clock
from account.recovery.record import Record
from account.recovery.words import length
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from account.guard import Account
    from account.recovery.record import Restore
    from account.view import View

LATEST = "latest"
PAUSE_SECONDS = 2.0
# How a cutover ends that can be gone on with, and what its owner should know of each.
GOES_ON = {
    "CutoverHalfway": "The copy is in service.",
    "TIMED_OUT": "Nothing was taken back: the database may be closed.",
    "ABORTED": "Nothing was taken back: the database may be closed.",
}


@dataclass(frozen=True)
class Workflow:
    """Every method returns when the execution has ended. Raises: `Refusal` when it ended badly."""

    account: Account
    view: View
    clock: Clock = REAL

    def drill(self, target: str) -> None:
        """Rehearse a restore to a time; nothing but a copy is touched."""
        run = self._run("drill")
        self._follow(run, {"mode": "drill", "target": _target(target)})
        self._show(run)

    def cutover(
        self, target: str, run: str, env: Mapping[str, str], ask: Callable[[str], str]
    ) -> None:
        """Put a copy of the database as it was at a time in the database's place.

        `run` names a cutover that stopped halfway and goes on; empty begins one.
        """
        if run:
            known = self._known(run)
            replaced, target = known.replaced, LATEST
            self._refuse_running(run)
        else:
            self._refuse_unadopted()
            if not target:
                raise Refusal("A cutover needs TARGET=2026-11-30T12:00:00Z, or TARGET=latest.")
            target, replaced = _target(target), self._in_service()
        self.view.say(str(self.account))
        self.view.say(f"In service: {replaced}. Its place is taken by a copy of {target}.")
        self.view.say(
            "What was written since is lost, but for playback events and erasures. The database is "
            "left as it is, closed, and kept for a week. The service is away for some minutes."
        )
        self._confirm(replaced, env, ask)
        run = run or self._run("cutover")
        asked = {"mode": "cutover", "target": target, "confirm": replaced, "run": run}
        try:
            self._follow(self._execution(run), asked)
        except Refusal as refusal:
            said = [words for how, words in GOES_ON.items() if how in str(refusal)]
            if not said:
                raise
            environment = self.account.environment
            raise Refusal(
                f"{refusal} {said[0]} Go on: make cutover ENV={environment} RUN={run}"
            ) from None
        self._show(run)
        self.view.say(f"Next, outside of the outage: make adopt ENV={self.account.environment}")

    def adopt(self, env: Mapping[str, str], ask: Callable[[str], str]) -> None:
        """Give the copy in service the names of the cluster that it replaced."""
        cutover, environment = Record(self.account).waiting(), self.account.environment
        if cutover is None:
            raise Refusal("No cutover waits to be adopted: the stack's names are in service.")
        if cutover.complete_at is None:
            raise Refusal(
                f"Cutover {cutover.run} is not complete. It goes on first: "
                f"make cutover ENV={environment} RUN={cutover.run}"
            )
        self.view.say(str(self.account))
        self.view.say(
            f"{cutover.copy} gets the stack's names. Instances restart one after the other: the "
            "database is away twice for a short while."
        )
        self._confirm(cutover.replacement, env, ask)
        run = self._run("adopt")
        self._follow(run, {"mode": "adopt", "confirm": cutover.replacement})
        self.view.say("Adopted. Deploys are possible again; the replaced cluster goes in a week.")

    def _confirm(self, resource_id: str, env: Mapping[str, str], ask: Callable[[str], str]) -> None:
        """Only who has looked knows it; YES=1 is no answer. The laptop's cloud needs none."""
        if self.account.environment == "local":
            return
        answer = env.get("CONFIRM") or ""
        if not answer:
            try:
                answer = ask(f"Type {resource_id} to go on: ")
            except EOFError:
                answer = ""
        if answer.strip() != resource_id:
            raise Refusal(f"Nothing was done: the answer was not {resource_id}.")

    def _in_service(self) -> str:
        name = in_service.own_cluster(self.account.environment)
        rds = self.account.client("rds")
        try:
            [found] = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
        except rds.exceptions.DBClusterNotFoundFault:
            raise Refusal(f"There is no cluster {name}: nothing can be restored from it.") from None
        return str(found["DbClusterResourceId"])

    def _refuse_unadopted(self) -> None:
        if waiting := Record(self.account).waiting():
            raise Refusal(
                f"Cutover {waiting.run} waits for its adoption, which takes minutes: "
                f"make adopt ENV={self.account.environment} comes first."
            )

    def _refuse_running(self, run: str) -> None:
        """Two at once would take turns at the same steps."""
        states = self.account.client("stepfunctions")
        pages = states.get_paginator("list_executions").paginate(
            stateMachineArn=self._machine(), statusFilter="RUNNING"
        )
        for page in pages:
            for each in page["executions"]:
                if each["name"].startswith(run):
                    raise Refusal(f"{run} is at work already, in execution {each['name']}.")

    def _known(self, run: str) -> Restore:
        for each in Record(self.account).restores():
            if each.run == run and each.mode == "cutover":
                if each.adopted_at is not None:
                    raise Refusal(f"{run} is over and adopted. Begin another: leave RUN= out.")
                return each
        raise Refusal(f"No cutover was begun under {run}: make incident shows which were.")

    def _follow(self, execution: str, asked: Mapping[str, str]) -> None:
        states = self.account.client("stepfunctions")
        began = self.clock.now()
        arn = states.start_execution(
            stateMachineArn=self._machine(), name=execution, input=json.dumps(asked)
        )["executionArn"]
        self.view.say(f"Execution {execution} is begun.")
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            gone = length((self.clock.now() - began).total_seconds())
            self.view.progress(f"{_state(states, arn)} · {gone}")
            self.clock.sleep(PAUSE_SECONDS)
        self.view.progress("")
        if found["status"] != "SUCCEEDED":
            raise Refusal(
                f"Execution {execution} ended {found['status']}: {found.get('error', 'no error')}. "
                f"{found.get('cause', '')} make incident ENV={self.account.environment} says more."
            )

    def _machine(self) -> str:
        name = f"streamflix-recovery-restore-{self.account.environment}"
        return f"arn:aws:states:{guard.REGION}:{self.account.number}:stateMachine:{name}"

    def _show(self, run: str) -> None:
        [known] = [each for each in Record(self.account).restores() if each.run == run]
        rto, rpo = known.rto_seconds or 0.0, known.rpo_seconds or 0.0
        self.view.say(
            f"{known.mode} passed: RTO {length(rto)}, RPO {length(rpo)}, "
            f"{known.accounts_erased or 0} accounts erased again."
        )

    def _run(self, kind: str) -> str:
        return f"{kind}-{self.clock.now():%Y%m%d-%H%M%S}"

    def _execution(self, run: str) -> str:
        """A name is an execution's once; who goes on has one of its own."""
        return f"{run}-{self.clock.now():%H%M%S}"


def _target(text: str) -> str:
    if not text or text == LATEST:
        return LATEST
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(f"TARGET={text} is no time: write 2026-11-30T12:00:00Z, or latest.") from None
    if moment.tzinfo is None:
        raise Refusal(f"TARGET={text} has no time zone: write {text}Z for UTC.")
    return moment.astimezone(UTC).isoformat()


def _state(states: Any, execution: str) -> str:
    """Where it is, by the newest event that says so."""
    events = states.get_execution_history(
        executionArn=execution, reverseOrder=True, maxResults=1000, includeExecutionData=False
    )["events"]
    entered = (
        each["stateEnteredEventDetails"]["name"]
        for each in events
        if "stateEnteredEventDetails" in each
    )
    return next(entered, "begins")
