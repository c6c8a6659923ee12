"""State machines: what a definition names exists, what it calls is granted, and it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.contract.templates import deployed, grants, house
from tests.contract.templates.wires import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.templates.wires import Resource, Tree

KIND = "AWS::Serverless::StateMachine"
MACHINE = "AWS::StepFunctions::StateMachine"
FOLDER = house.ROOT / "statemachines"
AWS_CALLS_IT = "StepFunctions"  # begins the names of grants that no state makes use of
CALL = re.compile(r"arn:aws:states:::(?:aws-sdk:)?(\w+):(\w+)")
CALLED = {"lambda:Invoke": "lambda:InvokeFunction"}  # where IAM has another word
LONGEST_SECONDS = {
    "privacy_erase.asl.yaml": 90 * 86_400,  # a person may think it over
    "recovery_restore.asl.yaml": 3 * 3_600,  # AWS copies a large database for an hour or more
}

Body = dict[str, Any]


def machines() -> dict[str, tuple[str, Body]]:
    """By file: the stack's logical id and the machine's properties as written."""
    return {
        Path(it["Properties"]["DefinitionUri"]).name: (stack, it["Properties"])
        for stack, body in house.children().items()
        for it in body.resources(KIND).values()
    }


def definition(file: str) -> Body:
    return dict(yaml.safe_load((FOLDER / file).read_text()))


every_machine = pytest.mark.parametrize("file", sorted(path.name for path in FOLDER.iterdir()))


def test_every_definition_belongs_to_a_machine_and_is_named_after_it() -> None:
    assert machines().keys() == {path.name for path in FOLDER.iterdir()}
    for file, (_, properties) in machines().items():
        name = house.text(properties["Name"], "x").removesuffix("-x").removeprefix("streamflix-")
        assert file == f"{name.replace('-', '_')}.asl.yaml"
        assert properties["DefinitionUri"] == f"../statemachines/{file}"


@every_machine
def test_a_definition_is_given_what_it_names_and_no_more(file: str) -> None:
    named = set(re.findall(r"\$\{(\w+)\}", (FOLDER / file).read_text()))

    assert named == machines()[file][1]["DefinitionSubstitutions"].keys()


@every_machine
def test_a_definition_is_plain_yaml_that_cloudformation_can_turn_into_json(file: str) -> None:
    """No anchors, no dates: what stands there is what arrives."""
    text = (FOLDER / file).read_text()

    assert not any(isinstance(it, yaml.AliasEvent) for it in yaml.parse(text))
    assert json.loads(json.dumps(definition(file))) == definition(file)


def nexts(state: Body) -> Iterator[str]:
    for _, value in house.walk(state):
        if isinstance(value, dict):
            yield from (str(value[key]) for key in ("Next", "Default") if key in value)


@every_machine
def test_every_state_is_reached_and_leads_on_or_ends(file: str) -> None:
    states = definition(file)["States"]
    reached, below = set(), {definition(file)["StartAt"]}
    while below:
        reached |= below
        below = {it for name in below for it in nexts(states[name])} - reached

    assert reached == states.keys()
    for name, state in states.items():
        ends = state["Type"] in ("Succeed", "Fail") or state.get("End") is True
        assert ends != bool(list(nexts(state))), name


@every_machine
def test_a_machine_ends_in_bounded_time(file: str) -> None:
    assert 60 <= definition(file)["TimeoutSeconds"] <= LONGEST_SECONDS.get(file, 2_400)


@every_machine
def test_a_call_that_fails_is_made_again_before_the_machine_gives_up(file: str) -> None:
    for name, state in definition(file)["States"].items():
        if state["Type"] == "Task":
            assert state["Retry"], name
            for retry in state["Retry"]:
                assert retry["MaxAttempts"] >= 3, name
                # who goes on with its own work, or waits for AWS, disturbs nobody by coming at once
                alone = retry["ErrorEquals"] in (["OutOfTime"], ["CopyNotReady"])
                assert alone or retry["JitterStrategy"] == "FULL"


def called(file: str) -> set[str]:
    """The actions that a definition needs, as IAM calls them."""
    found = set()
    for state in definition(file)["States"].values():
        if state["Type"] == "Task":
            match = CALL.fullmatch(state["Resource"])
            assert match, state
            action = f"{match[1]}:{match[2][0].upper()}{match[2][1:]}"
            found.add(CALLED.get(action, action))
    return found


def machine(tree: Tree, file: str) -> Resource:
    (found,) = [it for it in tree.resources(MACHINE) if it.stack == machines()[file][0]]
    return found


@every_machine
def test_a_machines_role_may_do_what_its_states_do_and_no_more(file: str) -> None:
    tree = deployed.platform()
    found = machine(tree, file)
    (role,) = tree.made(found.stack, found.properties["RoleArn"])
    granted = {
        action
        for grant in grants.grants(tree, role)
        if not grant.sid.startswith(AWS_CALLS_IT)
        for action in grant.actions
    }

    assert granted == called(file)


def test_a_workflow_that_does_not_end_well_is_told() -> None:
    tree = deployed.platform()
    watched: dict[str, set[str]] = {}
    for alarm in tree.resources("AWS::CloudWatch::Alarm"):
        for it in alarm.properties.get("Metrics", []):
            metric = it.get("MetricStat", {}).get("Metric", {})
            if metric.get("Namespace") == "AWS/States":
                (found,) = tree.made(alarm.stack, metric["Dimensions"])
                watched.setdefault(str(found), set()).add(metric["MetricName"])

    assert watched.keys() == {str(it) for it in tree.resources(MACHINE)}
    for name, metrics in watched.items():
        assert metrics == {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"}, name


def test_who_starts_a_machine_may_start_that_one_only() -> None:
    tree = deployed.platform()
    for rule in tree.resources("AWS::Events::Rule"):
        for target in tree.decided(rule.stack, rule.properties["Targets"]):
            started = [it for it in tree.made(rule.stack, target["Arn"]) if it.kind == MACHINE]
            if started:
                (role,) = tree.made(rule.stack, target["RoleArn"])
                (grant,) = grants.grants(tree, role)
                assert grant.actions == ["states:StartExecution"], rule
                assert grant.resources(tree) == started, rule


def test_the_service_is_started_anew_when_its_password_was_promoted() -> None:
    tree = deployed.platform()
    rule = tree.resource("ServiceRedeploy", "RedeployRule")
    pattern = rule.properties["EventPattern"]

    assert pattern["source"] == ["aws.secretsmanager"]
    assert pattern["detail-type"] == ["Secret Label Updated"]
    assert pattern["detail"] == {"labelUpdated": ["AWSCURRENT"]}
    assert tree.origins(rule.stack, pattern["resources"]) == {Asked("RedisAppSecretArn")}
    (injected,) = [
        secret["ValueFrom"]
        for task in tree.resources("AWS::ECS::TaskDefinition")
        for container in task.properties["ContainerDefinitions"]
        for secret in container["Secrets"]
    ]
    assert Asked("RedisAppSecretArn") in tree.origins("Service", injected)


def test_what_tasks_hold_is_said_only_of_the_version_read_before_they_were_started() -> None:
    states = definition("service_redeploy.asl.yaml")["States"]
    order = list(states)

    assert order.index("ReadSecret") < order.index("StartNewTasks")
    assert states["SayWhatTasksHold"]["Arguments"]["Tags"] == [
        {"Key": "AdoptedVersion", "Value": "{% $version %}"}
    ]
    assigned = [name for name, state in states.items() if "version" in state.get("Assign", {})]
    assert assigned == ["ReadSecret"]


def test_the_workflow_can_write_the_one_tag_and_cannot_read_the_password() -> None:
    tree = deployed.platform()
    found = machine(tree, "service_redeploy.asl.yaml")
    (role,) = tree.made(found.stack, found.properties["RoleArn"])
    (tagging,) = [
        it for it in grants.grants(tree, role) if it.actions == ["secretsmanager:TagResource"]
    ]

    assert tagging.statement["Condition"] == {
        "ForAllValues:StringEquals": {"aws:TagKeys": ["AdoptedVersion"]}
    }
    actions = {action for grant in grants.grants(tree, role) for action in grant.actions}
    assert "secretsmanager:GetSecretValue" not in actions


def test_an_erasure_that_a_restore_has_undone_goes_on_from_the_fence() -> None:
    states = definition("privacy_erase.asl.yaml")["States"]
    behind = {"EraseDatabase", "EraseSessions", "EraseFiles", "Verify", "Complete"}

    for name, state in states.items():
        caught = [it["Next"] for it in state.get("Catch", []) if it["ErrorEquals"] == ["SentBack"]]
        assert caught == (["Fence"] if name in behind else []), name
        # States.ALL would take everything from who comes after it.
        assert "Catch" not in state or state["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def retried(state: Body) -> set[str]:
    return {name for retry in state["Retry"] for name in retry["ErrorEquals"]}


def test_an_erasure_waits_out_every_error_that_passes_and_no_other() -> None:
    """The names are the contract: an error that is new must be sorted here."""
    from privacy import errors as ours
    from streamflix import errors

    known = {**vars(errors), **vars(ours)}
    passing, lasting = (
        {
            name
            for name, it in known.items()
            if isinstance(it, type) and issubclass(it, root) and it is not root
        }
        for root in (errors.Retryable, errors.Permanent)
    )
    elsewhere = {"CallbackRefused", "CallersUnreadable", "EnvironmentHeld", "WorkflowUnreachable"}
    elsewhere |= {"EventsUnsent", "ShardsUnknown"}  # who puts events into the stream
    states = definition("privacy_erase.asl.yaml")["States"]
    steps = [it for it in states.values() if "Catch" in it]

    assert len(steps) == 8
    for state in steps:
        ours_retried = {it for it in retried(state) if "." not in it}
        # The one that a deploy brings and takes away: the schema is ahead of the map for a while.
        assert ours_retried == passing - elsewhere | {"DataMapDrifted"}
        assert ours_retried & lasting == {"DataMapDrifted"}
