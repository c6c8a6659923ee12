"""The workflow of a restore, walked: what a rehearsal touches, what is taken back, who gets in."""

from __future__ import annotations

import functools
import importlib
import json
import re
from typing import TYPE_CHECKING, Any

from streamflix import errors
from streamflix.logins import LOGINS
from tests.contract.templates import deployed, test_workflows

if TYPE_CHECKING:
    from collections.abc import Iterator

Body = dict[str, Any]

FILE = "recovery_restore.asl.yaml"
DRILL = {"mode": "drill", "turned": False}
CUTOVER = {"mode": "cutover", "turned": False}


@functools.cache
def states() -> dict[str, Body]:
    return dict(test_workflows.definition(FILE)["States"])


def holds(condition: str, known: dict[str, Any]) -> bool:
    """As much of JSONata as our choices speak."""
    parts = condition.removeprefix("{% ").removesuffix(" %}").split(" and ")
    found = [re.fullmatch(r"\$(\w+)(?: = '(\w*)')?", part) for part in parts]
    return all(it and known[it[1]] == (True if it[2] is None else it[2]) for it in found)


def walk(known: dict[str, Any], *failing: str) -> list[str]:
    """The states that an execution comes through, when these fail for a reason that lasts."""
    known = {"error": "", "counted": True, **known}
    way, there = ["Name"], states()
    while (state := there[way[-1]])["Type"] not in ("Succeed", "Fail"):
        assert len(way) < len(there) + 1, way
        following = state.get("Next")
        if way[-1] in failing:
            caught = state["Catch"][-1]
            assert caught["ErrorEquals"] == ["States.ALL"], way
            known["error"] = "AnError" if caught.get("Assign") else known["error"]
            following = caught["Next"]
        elif state["Type"] == "Choice":
            held = [it for it in state["Choices"] if holds(it["Condition"], known)]
            following = held[0]["Next"] if held else state["Default"]
        way.append(str(following))
    return way


def tasks(way: list[str]) -> Iterator[str]:
    yield from (name for name in way if states()[name]["Type"] == "Task")


def called(name: str) -> tuple[str, Body]:
    """Which function a state calls, and with what."""
    given = states()[name]["Arguments"]
    return given["FunctionName"].strip("${}"), given["Payload"]


def asking(step: str) -> list[str]:
    """The states that ask for a step of this name."""
    return [name for name in tasks(list(states())) if called(name)[1].get("step") == step]


def test_a_rehearsal_calls_nothing_that_could_touch_what_is_in_service() -> None:
    way = walk(DRILL)

    assert way[-2:] == ["DidItPass", "Passed"]
    assert way.index("Report") < way.index("Clean")
    for failing in tasks(way):
        told = walk(DRILL, failing)
        assert {called(name)[0] for name in tasks(told)}.isdisjoint({"CutoverFunctionArn"})
        assert told[-1] == ("LeftBehind" if failing == "Clean" else "Failed")
        assert failing == "Clean" or "Clean" in told


def before_the_turn() -> list[str]:
    way = walk(CUTOVER)
    return list(tasks(way[: way.index("Turn")]))


def from_the_turn_on() -> list[str]:
    way = walk(CUTOVER)
    return list(tasks(way[way.index("Turn") : way.index("Clean")]))


def test_until_its_turn_a_cutover_that_fails_gives_everything_back() -> None:
    failing = before_the_turn()

    assert {"Pause", "Fence", "EndSessions", "Replay"} < set(failing)
    back = ["NoteFailure", "WhatIsToBeTakenBack", "TakeBack", "IsItOpenAgain"]
    end = ["Clean", "DidItPass", "Failed"]
    for name in failing:
        for others in ((), ("NoteFailure",)):
            paused = walk(CUTOVER | {"reached": "paused"}, name, *others)
            fenced = walk(CUTOVER | {"reached": "fenced"}, name, *others)
            assert paused[paused.index(name) + 1 :] == [*back, *end]
            assert fenced[fenced.index(name) + 1 :] == [*back, "Reopen", *end]


def test_what_cannot_be_given_back_is_not_called_a_clean_end() -> None:
    for lost in ("TakeBack", "Reopen", "Clean"):
        assert walk(CUTOVER | {"reached": "fenced"}, "Replay", lost)[-1] == "LeftBehind"


def test_from_its_turn_on_a_cutover_that_fails_keeps_its_copy_and_its_hold() -> None:
    failing = from_the_turn_on()

    assert {"Turn", "Open", "CountEvents", "LetCount", "AddReaders"} < set(failing)
    for name in failing:
        way = walk(CUTOVER | {"reached": "turned"}, name)
        assert way[-1] == "Halfway", name
        assert not {"Clean", "Reopen"} & set(way), name


def test_one_that_had_turned_goes_on_from_there_and_makes_no_other_copy() -> None:
    way = walk(CUTOVER | {"turned": True})
    first = list(tasks(way))

    assert first[:3] == ["Begin", "Pause", "Turn"]
    assert first[2:] == [*from_the_turn_on(), "Clean"]
    assert way[-1] == "Passed"


def test_nobody_is_let_in_before_everybody_is_led_to_the_copy() -> None:
    for known in (DRILL, CUTOVER):
        way = walk(known)
        opening = [name for name in way if name in asking("open")]
        assert opening == ([] if known is DRILL else ["Open"])
        assert all(way.index(name) > way.index("Turn") for name in opening)


def test_what_was_erased_until_the_last_moment_is_erased_again() -> None:
    """An erasure that ends in the old database after the replay has looked would come back."""
    way = walk(CUTOVER)

    assert way.index("Fence") < way.index("EndSessions") < way.index("Replay") < way.index("Turn")
    assert called("EndSessions")[1] == {
        "step": "logins",
        "run": "{% $run %}",
        "address": "{% $oldAddress %}",
        "epoch": "{% $epoch %}",  # whoever slept does not close a database that took over
    }
    assert states()["Fence"]["Assign"]["epoch"] == "{% $states.result.Payload.epoch %}"
    # It goes on past a database that is what is broken, after longer than a failover takes, and
    # says so; past an error that does not pass by itself it does not.
    ending = states()["EndSessions"]
    (passing,) = [it for it in ending["Catch"] if it["Next"] == "Replay"]
    (retry,) = ending["Retry"]
    assert passing["ErrorEquals"] == retry["ErrorEquals"]
    assert passing["Assign"] == {"fenced": False}
    assert called("Turn")[1]["fenced"] == "{% $fenced %}"
    assert 60 <= retry["MaxDelaySeconds"] * retry["MaxAttempts"] / 2 <= 180


def test_every_login_is_let_in_at_once_into_a_new_life_and_back_into_the_old_one() -> None:
    for name in ("Open", "Reopen"):
        assert set(called(name)[1]["logins"]) == LOGINS.keys()
    assert called("Open")[1]["epoch"] == "{% $epoch %}"
    assert states()["Turn"]["Assign"]["epoch"] == "{% $states.result.Payload.epoch %}"
    # Whoever is let in finds the new life begun; the old one goes on as it was.
    begins = [name for name in asking("open") if "epoch" in called(name)[1]]
    assert begins == ["Open"]


def test_events_are_counted_until_the_tip_is_reached() -> None:
    function, event = called("CountEvents")
    (tip,) = states()["IsCounted"]["Choices"]

    assert (function, event) == ("AnalyticsReplayFunctionArn", {"restore": "{% $run %}"})
    assert states()["CountEvents"]["Assign"] == {"counted": "{% $states.result.Payload.done %}"}
    for counted in (True, False):
        assert holds(tip["Condition"], {"counted": counted, "turned": True}) is counted
    assert states()["IsCounted"]["Default"] == "CountEvents"


def test_the_consumer_counts_again_when_all_before_it_is_counted_and_not_earlier() -> None:
    """The database refuses it until then: whoever counts first, counts past what nobody has."""
    assert asking("count") == ["LetCount"]
    assert called("LetCount")[1]["address"] == called("Open")[1]["address"]
    for known in (CUTOVER, CUTOVER | {"turned": True}):
        way = walk(known)
        after = way[way.index("CountEvents") :]
        assert after[1:4] == ["IsCounted", "LetCount", "ResumeStream"]
        assert way.index("Turn") < way.index("Open") < way.index("Tell") < way.index("CountEvents")
    for failing in ("Open", "Tell", "CountEvents", "LetCount"):
        told = walk(CUTOVER | {"reached": "turned"}, failing)
        assert {"LetCount", "ResumeStream"} & set(told) <= {failing}, failing


def test_a_cutover_is_complete_when_nothing_is_left_to_do() -> None:
    """What is complete may be adopted: its last step says so."""
    assert asking("readers") == from_the_turn_on()[-1:] == ["AddReaders"]


def test_who_asks_for_what_is_not_to_be_had_leaves_alone_whatever_has_that_name() -> None:
    """A second execution of a run, with a typo, must not fail the first one, nor take its copy."""
    refused = {"Begin": {"NotAdopted", "NotConfirmed"}, "Settle": {"NotConfirmed"}}

    caught = {
        name: set(it["ErrorEquals"])
        for name in tasks(list(states()))
        for it in states()[name].get("Catch", [])
        if it["Next"] == "NotBegun"
    }
    assert caught == refused
    assert states()["NotBegun"]["Type"] == "Fail"
    for name in refused:
        assert states()[name]["Catch"][0]["Next"] == "NotBegun"  # before what catches everything


def test_an_adoption_takes_nothing_back_and_can_be_gone_on_with() -> None:
    way = walk({"mode": "adopt"})

    assert list(tasks(way)) == ["Settle", "StepAside", "StepIn", "Finish"]
    assert way[-1] == "Adopted"
    for name in tasks(way):
        assert walk({"mode": "adopt"}, name)[-1] == "NotYetAdopted"


# Errors that no step of a restore raises, by whom they are raised.
ELSEWHERE = {
    "BookUnchanged": "the schema's custom resource, which alone makes the epoch",
    "CallbackRefused": "privacy, when it calls a controller back",
    "CallersUnreadable": "the same",
    "EventsUnsent": "who puts events into the stream, which no function does",
    "FilesUnreachable": "the eraser: files are not restored with the database",
    "QueueUnreachable": "the end of an erasure, which a restore does not tell anybody",
    "RollupsOverdue": "the daily call that makes hours of old minutes",
    "ShardsUnknown": "who puts events into the stream",
    "WorkflowUnreachable": "the intake, which starts erasures",
}
# Those that only some steps raise, and how: AWS is still at work; the replay goes on by itself.
BY_SOME = {"CopyNotReady", "OutOfTime"}
# They call neither RDS nor the mapping's state, or do so without waiting for it.
WAIT_FOR_NOTHING = {"Report", "NoteFailure", "Tell", "ResumeStream"}


def known_errors(root: type[Exception]) -> set[str]:
    rooms = ("recovery", "privacy", "schema", "analytics")
    modules = [errors, *(importlib.import_module(f"{room}.errors") for room in rooms)]
    found = {name: it for module in modules for name, it in vars(module).items()}
    return {
        name
        for name, it in found.items()
        if isinstance(it, type) and issubclass(it, root) and it is not root
    }


def test_a_restore_waits_out_every_error_that_passes_and_no_other() -> None:
    """The names are the contract: an error that is new must be sorted here."""
    passing, lasting = known_errors(errors.Retryable), known_errors(errors.Permanent)
    steps = {name: it for name, it in states().items() if it["Type"] == "Task"}
    waiting = set()

    assert ELSEWHERE.keys() | BY_SOME < passing
    for name, state in steps.items():
        retried = {it for it in test_workflows.retried(state) if "." not in it}
        assert retried - BY_SOME == passing - ELSEWHERE.keys() - BY_SOME, name
        assert not retried & lasting, name
        waiting |= {(name, it) for it in retried & BY_SOME}
    of_aws = {
        name for name in steps if called(name)[0] in ("RestoreFunctionArn", "CutoverFunctionArn")
    }
    expected = {(name, "CopyNotReady") for name in of_aws - WAIT_FOR_NOTHING}
    assert waiting == expected | {("Replay", "OutOfTime")}


def test_what_starts_by_itself_is_a_rehearsal_and_nothing_else() -> None:
    tree = deployed.platform()
    machine = test_workflows.machine(tree, FILE)
    inputs = [
        json.loads(target["Input"])
        for rule in tree.resources("AWS::Events::Rule")
        for target in tree.decided(rule.stack, rule.properties["Targets"])
        if machine in tree.made(rule.stack, target["Arn"])
    ]

    assert inputs == [{"mode": "drill", "target": "latest"}]
