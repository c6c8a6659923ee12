from __future__ import annotations

import re

import pytest

from tests.contract.templates import house

ALARMS = {
    logical_id: alarm["Properties"]
    for stack in house.everything()
    for logical_id, alarm in stack.resources("AWS::CloudWatch::Alarm").items()
}
RUNBOOKS = house.ROOT / "docs" / "runbooks"
RUNBOOK_SECTIONS = ["## Check", "## Act", "## Undo"]

every_alarm = pytest.mark.parametrize("logical_id", ALARMS)


def test_each_room_that_can_fail_has_alarms() -> None:
    rooms = {
        stack.name for stack in house.everything() if stack.resources("AWS::CloudWatch::Alarm")
    }

    assert rooms == {"alerting", "aurora-alarms", "cache", "stream", "analytics"}


@every_alarm
def test_an_alarm_is_named_after_a_thing_and_its_condition(logical_id: str) -> None:
    assert re.fullmatch(r"([A-Z][a-z]+){2,}Alarm", logical_id)
    assert ALARMS[logical_id]["AlarmName"] == {
        "Fn::Sub": f"streamflix-{house.kebab(logical_id)}-${{EnvironmentSuffix}}"
    }


@every_alarm
def test_an_alarm_says_what_it_means_what_to_look_at_and_where_to_read_on(logical_id: str) -> None:
    impact, check, runbook = re.fullmatch(
        r"(.+\.) First check: (.+\.) Runbook: (docs/runbooks/\S+\.md)\s*",
        ALARMS[logical_id]["AlarmDescription"],
    ).groups()  # type: ignore[union-attr]

    assert len(impact.split()) >= 10
    assert len(check.split()) >= 3
    assert runbook == f"docs/runbooks/{house.kebab(logical_id)}.md"


@every_alarm
def test_an_alarm_has_a_runbook_from_symptom_to_undo(logical_id: str) -> None:
    lines = (RUNBOOKS / f"{house.kebab(logical_id)}.md").read_text().splitlines()

    assert lines[0] == f"# {logical_id}"
    assert [line for line in lines if line.startswith("## ")] == RUNBOOK_SECTIONS
    for bold in ("**What you see** ", "**What it means** ", "**How bad** "):
        assert sum(line.startswith(bold) for line in lines) == 1


def test_no_runbook_is_left_of_an_alarm_that_is_gone() -> None:
    assert {path.stem for path in RUNBOOKS.iterdir()} == {house.kebab(name) for name in ALARMS}


def test_links_between_runbooks_lead_somewhere() -> None:
    dead = [
        (path.name, target)
        for path in RUNBOOKS.iterdir()
        for target in re.findall(r"\]\(([^)]+)\)", path.read_text())
        if not (RUNBOOKS / target).exists()
    ]

    assert dead == []


@every_alarm
def test_an_alarm_tells_somebody_when_it_begins_and_when_it_ends(logical_id: str) -> None:
    alarm = ALARMS[logical_id]

    assert alarm["AlarmActions"] == alarm["OKActions"]
    assert len(alarm["AlarmActions"]) == 1


@every_alarm
def test_an_alarm_decides_what_silence_means(logical_id: str) -> None:
    assert ALARMS[logical_id]["TreatMissingData"] in {"missing", "notBreaching", "breaching"}


def test_only_what_cannot_wait_wakes_somebody() -> None:
    paging = {
        name for name, alarm in ALARMS.items() if {"Ref": "PageTopicArn"} in alarm["AlarmActions"]
    }

    assert paging == {"AnalyticsLagTooHighAlarm", "AnalyticsGaveUpAlarm"}


def test_the_consumers_lag_pages_before_the_recovery_objective_is_broken() -> None:
    alarm = ALARMS["AnalyticsLagTooHighAlarm"]

    assert alarm["MetricName"] == "IteratorAge"
    assert alarm["Threshold"] == 240_000


def test_an_undelivered_alarm_goes_another_way() -> None:
    for logical_id in ("PageUndeliveredAlarm", "TicketUndeliveredAlarm"):
        assert ALARMS[logical_id]["AlarmActions"] == [{"Ref": "FallbackTopic"}]
