"""`make drill`, `make cutover`, `make adopt`: who is asked what, what is begun, what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from account.clock import Clock
from account.recovery import incident
from account.recovery.workflow import Workflow
from account.refusal import Refusal
from tests.unit.account.answers import Refused
from tests.unit.account.restoring import (
    BEGAN,
    COPY,
    NEW,
    NOW,
    OLD,
    Machine,
    Screen,
    closed,
    nobody,
    restored,
)

if TYPE_CHECKING:
    from collections.abc import Callable


MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:streamflix-recovery-restore-"
PASSED: dict[str, Any] = {"outcome": "passed", "rto_seconds": 754.0, "rpo_seconds": 41.25}


def workflow(machine: Machine, screen: Screen, environment: str = "dev") -> Workflow:
    clock = Clock(lambda: machine.now, machine.sleep)
    return Workflow(machine.answers.account(environment), screen, clock)


def test_a_drill_is_followed_to_its_end_and_its_figures_are_shown(
    machine: Machine, screen: Screen
) -> None:
    machine.ends = lambda run: restored(run, "drill", accounts_erased=3, **PASSED)

    workflow(machine, screen).drill("2026-11-30T10:00:00+01:00")

    run = "drill-20261130-120000"
    asked = {"mode": "drill", "target": "2026-11-30T09:00:00+00:00"}
    assert machine.begun == [(run, asked)]
    assert machine.machine == f"{MACHINE}dev"
    assert screen.fleeting == ["Begin · 0.0 s", "Restore · 2.0 s", ""]
    assert screen.lines == [
        f"Execution {run} is begun.",
        "drill passed: RTO 12 min 34 s, RPO 41.2 s, 3 accounts erased again.",
    ]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("2026-11-30T12:00:00", "has no time zone: write 2026-11-30T12:00:00Z for UTC"),
        ("yesterday", "is no time: write 2026-11-30T12:00:00Z, or latest"),
    ],
)
@pytest.mark.parametrize("mode", ["drill", "cutover"])
def test_a_target_that_is_no_moment_is_refused(
    machine: Machine, screen: Screen, mode: str, target: str, words: str
) -> None:
    deed = workflow(machine, screen)
    with pytest.raises(Refusal, match=words):
        deed.drill(target) if mode == "drill" else deed.cutover(target, "", {}, nobody)

    assert machine.begun == []


def test_a_cutover_without_a_target_is_refused(machine: Machine, screen: Screen) -> None:
    with pytest.raises(Refusal, match=r"A cutover needs TARGET=.*Z, or TARGET=latest"):
        workflow(machine, screen).cutover("", "", {"CONFIRM": OLD}, nobody)

    assert machine.begun == []


@pytest.mark.parametrize(
    ("env", "answer"),
    [
        ({}, lambda _: "yes"),
        ({}, closed),
        ({"YES": "1"}, lambda _: "dev"),
        ({"CONFIRM": NEW}, nobody),
    ],
)
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_nothing_is_begun_unless_the_cluster_in_service_is_named(
    machine: Machine,
    screen: Screen,
    environment: str,
    env: dict[str, str],
    answer: Callable[[str], str],
) -> None:
    with pytest.raises(Refusal, match=f"^Nothing was done: the answer was not {OLD}"):
        workflow(machine, screen, environment).cutover("latest", "", env, answer)

    assert machine.begun == []
    assert (
        screen.lines[0] == f"account 123456789012, region eu-central-1, environment {environment}"
    )
    assert f"In service: {OLD}. Its place is taken by a copy of latest." in screen.lines


@pytest.mark.parametrize(
    ("environment", "env", "answer"),
    [
        ("dev", {}, lambda question: question.split()[1]),
        ("dev", {}, lambda _: f" {OLD}\n"),
        ("dev", {"CONFIRM": OLD}, nobody),
        ("local", {}, nobody),
    ],
)
def test_whoever_names_it_begins_a_cutover_of_it_under_a_run_of_its_own(
    machine: Machine,
    screen: Screen,
    environment: str,
    env: dict[str, str],
    answer: Callable[[str], str],
) -> None:
    machine.ends = lambda run: restored(run, turned_at=BEGAN, **PASSED)

    workflow(machine, screen, environment).cutover("latest", "", env, answer)

    run = "cutover-20261130-120000"
    asked = {"mode": "cutover", "target": "latest", "confirm": OLD, "run": run}
    assert machine.begun == [(f"{run}-120000", asked)]
    assert screen.lines[-2:] == [
        "cutover passed: RTO 12 min 34 s, RPO 41.2 s, 0 accounts erased again.",
        f"Next, outside of the outage: make adopt ENV={environment}",
    ]


def test_where_there_is_no_cluster_nothing_can_be_restored(
    machine: Machine, screen: Screen
) -> None:
    machine.answers["rds.describe_db_clusters"] = Refused("DBClusterNotFoundFault")

    with pytest.raises(Refusal, match=r"^There is no cluster streamflix-aurora-dev"):
        workflow(machine, screen).cutover("latest", "", {}, nobody)


def test_one_that_stopped_halfway_goes_on_as_itself_and_as_it_was_confirmed(
    machine: Machine, screen: Screen
) -> None:
    """The stack's cluster may have any id by then: it is not looked at."""
    machine.records = [restored("another"), restored("halfway", turned_at=BEGAN, **PASSED)]
    machine.answers["rds.describe_db_clusters"] = Refused("AccessDenied")

    workflow(machine, screen).cutover("", "halfway", {"CONFIRM": OLD}, nobody)

    asked = {"mode": "cutover", "target": "latest", "confirm": OLD, "run": "halfway"}
    assert machine.begun == [("halfway-120000", asked)], "an execution's name is given once"
    assert screen.lines[-2].startswith("cutover passed: RTO 12 min 34 s")


def test_one_that_is_at_work_is_not_gone_on_with_beside_itself(
    machine: Machine, screen: Screen
) -> None:
    machine.records = [restored("halfway", turned_at=BEGAN, **PASSED)]
    running = {
        "executionArn": "arn:one",
        "stateMachineArn": "arn:machine",
        "name": "halfway-115900",
        "status": "RUNNING",
        "startDate": NOW,
    }
    machine.answers["stepfunctions.list_executions"] = {"executions": [running]}

    with pytest.raises(Refusal, match=r"^halfway is at work already, in execution halfway-115900"):
        workflow(machine, screen).cutover("", "halfway", {"CONFIRM": OLD}, nobody)

    assert machine.begun == []


def test_the_next_cutover_waits_for_the_adoption_of_the_last(
    machine: Machine, screen: Screen
) -> None:
    machine.records = [restored("last", turned_at=BEGAN, complete_at=BEGAN, **PASSED)]

    with pytest.raises(Refusal, match=r"^Cutover last waits for its adoption"):
        workflow(machine, screen).cutover("latest", "", {"CONFIRM": OLD}, nobody)

    assert machine.begun == []


@pytest.mark.parametrize("run", ["nobodys", "a-drill"])
def test_what_was_never_begun_as_a_cutover_does_not_go_on(
    machine: Machine, screen: Screen, run: str
) -> None:
    machine.records = [restored("a-drill", "drill")]

    with pytest.raises(Refusal, match=f"^No cutover was begun under {run}: make incident"):
        workflow(machine, screen).cutover("latest", run, {"CONFIRM": OLD}, nobody)

    assert machine.begun == []


def test_what_was_adopted_does_not_go_on(machine: Machine, screen: Screen) -> None:
    machine.records = [restored("over", turned_at=BEGAN, adopted_at=BEGAN, **PASSED)]

    with pytest.raises(Refusal, match=r"^over is over and adopted"):
        workflow(machine, screen).cutover("", "over", {"CONFIRM": OLD}, nobody)

    assert machine.begun == []


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        ("FAILED", "RestoreFailed", r"ended FAILED: RestoreFailed\. Why\. make incident ENV=dev"),
        ("FAILED", "CopyLeftBehind", "ended FAILED: CopyLeftBehind"),
    ],
)
def test_an_execution_that_did_not_succeed_is_a_refusal_with_its_error(
    machine: Machine, screen: Screen, status: str, error: str, words: str
) -> None:
    machine.status, machine.error = status, error

    for deed in (
        lambda it: it.drill("latest"),
        lambda it: it.cutover("latest", "", {"CONFIRM": OLD}, nobody),
    ):
        machine.states = ["Begin"]
        with pytest.raises(Refusal, match=words) as refusal:
            deed(workflow(machine, screen))
        assert "Go on" not in str(refusal.value)
    assert not any("passed" in line for line in screen.lines)


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        ("FAILED", "CutoverHalfway", "The copy is in service"),
        ("TIMED_OUT", "", "the database may be closed"),
        ("ABORTED", "", "the database may be closed"),
    ],
)
def test_a_cutover_that_stopped_halfway_is_told_with_the_goes_onthat_goes_on(
    machine: Machine, screen: Screen, status: str, error: str, said: str
) -> None:
    machine.status, machine.error = status, error

    goes_on = r"Go on: make cutover ENV=dev RUN=cutover-20261130-120000$"
    with pytest.raises(Refusal, match=rf"ended {status}: .*{said}\. {goes_on}"):
        workflow(machine, screen).cutover("latest", "", {"CONFIRM": OLD}, nobody)


@pytest.mark.parametrize("adopted", [True, False])
def test_where_nothing_waits_nothing_is_adopted(
    machine: Machine, screen: Screen, adopted: bool
) -> None:
    taken = {"turned_at": BEGAN, "adopted_at": BEGAN} if adopted else {"outcome": "failed"}
    machine.records = [restored("a-cutover", **taken), restored("a-drill", "drill", **PASSED)]

    with pytest.raises(Refusal, match=r"^No cutover waits to be adopted"):
        workflow(machine, screen).adopt({"CONFIRM": NEW}, nobody)

    assert machine.begun == []


def test_an_adoption_is_confirmed_by_the_cluster_in_service(
    machine: Machine, screen: Screen
) -> None:
    machine.records = [restored("a-cutover", turned_at=BEGAN, complete_at=BEGAN, **PASSED)]
    deed = workflow(machine, screen)

    with pytest.raises(Refusal, match=f"^Nothing was done: the answer was not {NEW}"):
        deed.adopt({"CONFIRM": OLD, "YES": "1"}, nobody)
    assert machine.begun == []

    deed.adopt({}, lambda _: NEW)
    assert machine.begun == [("adopt-20261130-120000", {"mode": "adopt", "confirm": NEW})]
    assert screen.lines[-1].startswith("Adopted.")


@pytest.mark.parametrize("ended", [{}, PASSED])
def test_a_cutover_that_is_not_complete_is_not_adopted_and_nobody_is_asked(
    machine: Machine, screen: Screen, ended: dict[str, Any]
) -> None:
    machine.records = [restored("halfway", turned_at=BEGAN, **ended)]

    goes_on = "It goes on first: make cutover ENV=dev RUN=halfway"
    with pytest.raises(Refusal, match=f"^Cutover halfway is not complete. {goes_on}$"):
        workflow(machine, screen).adopt({"CONFIRM": NEW}, nobody)

    assert machine.begun == []


@pytest.mark.parametrize("waits", [True, False])
def test_an_incident_says_that_a_cutover_waits_for_its_adoption(
    machine: Machine, screen: Screen, waits: bool
) -> None:
    adopted = None if waits else BEGAN
    machine.records = [restored("one", turned_at=BEGAN, adopted_at=adopted, **PASSED)]
    machine.answers["dynamodb.get_item"] = {}
    machine.answers["cloudwatch.get_metric_statistics"] = {"Datapoints": []}
    machine.answers["cloudwatch.describe_alarms"] = {"CompositeAlarms": [], "MetricAlarms": []}

    incident.show(machine.answers.account(), screen, NOW)

    said = f"{COPY} is in service and not adopted: make adopt comes before a deploy."
    assert (said in screen.lines) is waits
