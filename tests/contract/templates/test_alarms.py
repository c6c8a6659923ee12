from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from local.metric_math import Metric, evaluate
from tests.contract.templates import deployed, house

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPOSITES = {
    logical_id: alarm["Properties"]
    for stack in house.everything()
    for logical_id, alarm in stack.resources("AWS::CloudWatch::CompositeAlarm").items()
}
SINGLES = {
    logical_id: alarm["Properties"]
    for stack in house.everything()
    for logical_id, alarm in stack.resources("AWS::CloudWatch::Alarm").items()
}
ALARMS = SINGLES | COMPOSITES
# What can break while nobody looks at it; each of these stacks' neighbours watches it.
WATCHED = {
    "Alerting",
    "Analytics",
    "AnalyticsReplay",
    "Api",
    "Aurora",
    "Backup",
    "Balancer",
    "Cache",
    "Files",
}
WATCHED |= {
    "Network",
    "Privacy",
    "PrivacyErase",
    "Proxy",
    "Recovery",
    "RecoveryDrill",
    "RotationSchedule",
    "Service",
    "ServiceRedeploy",
    "Stream",
}
RUNBOOKS = house.ROOT / "docs" / "runbooks"
RUNBOOK_SECTIONS = ["## Check", "## Act", "## Undo"]

every_alarm = pytest.mark.parametrize("logical_id", ALARMS)
every_single = pytest.mark.parametrize("logical_id", SINGLES)


def test_each_room_that_can_fail_has_alarms() -> None:
    rooms = {
        name.removesuffix("Alarms")
        for name, stack in house.children().items()
        if stack.resources("AWS::CloudWatch::Alarm")
    }

    assert rooms == WATCHED


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


@every_single
def test_an_alarm_decides_what_silence_means(logical_id: str) -> None:
    silence = ALARMS[logical_id]["TreatMissingData"]
    branches = silence["Fn::If"][1:] if isinstance(silence, dict) else [silence]

    rare = logical_id in {"RestoreTooSlowAlarm", "RestoreLosesTooMuchAlarm"}  # a week between two
    assert set(branches) <= ({"ignore"} if rare else {"missing", "notBreaching", "breaching"})


def test_only_composites_wake_somebody_and_every_composite_does() -> None:
    tree = deployed.platform()
    page = tree.resource("Alerting", "PageTopic")
    paging = {
        alarm
        for alarm in tree.resources("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        if page in tree.made(alarm.stack, alarm.properties["AlarmActions"])
    }

    assert paging == set(tree.resources("AWS::CloudWatch::CompositeAlarm"))
    assert {it.logical_id for it in paging} >= {"PlatformDownAlarm", "DataAtRiskAlarm"}


def test_singles_go_to_the_ticket_topic_or_where_undelivered_ones_go() -> None:
    tree = deployed.platform()
    for alarm in tree.resources("AWS::CloudWatch::Alarm"):
        (topic,) = tree.made(alarm.stack, alarm.properties["AlarmActions"])
        undelivered = alarm.logical_id in ("PageUndeliveredAlarm", "TicketUndeliveredAlarm")
        assert topic.logical_id == ("FallbackTopic" if undelivered else "TicketTopic"), alarm


def test_the_consumers_lag_pages_before_the_recovery_objective_is_broken() -> None:
    used, age = ALARMS["AnalyticsLagTooHighAlarm"]["Metrics"]

    assert age["MetricStat"]["Metric"]["MetricName"] == "IteratorAge"  # ms
    assert used["Expression"] == {"Fn::Sub": "age / (10 * ${RpoSeconds})"}  # percent
    assert ALARMS["AnalyticsLagTooHighAlarm"]["Threshold"] == 80
    assert "analytics-lag-too-high" in str(COMPOSITES["DataAtRiskAlarm"]["AlarmRule"])


def test_what_a_composite_names_exists_in_production() -> None:
    """In a smaller environment an alarm may be missing; CloudWatch takes it for quiet."""
    tree = deployed.platform("prod")
    names = {
        str(deployed.text(tree, it.stack, it.properties["AlarmName"]))
        for it in tree.resources("AWS::CloudWatch::Alarm")
    }
    for composite in tree.resources("AWS::CloudWatch::CompositeAlarm"):
        rule = str(deployed.text(tree, composite.stack, composite.properties["AlarmRule"]))
        named = set(re.findall(r'ALARM\("([^"]+)"\)', rule))
        assert named, composite
        assert named - names == set(), composite


def test_losing_the_database_the_service_or_the_door_wakes_somebody() -> None:
    rule = str(COMPOSITES["PlatformDownAlarm"]["AlarmRule"])

    for part in ("database-", "service-", "api-"):
        assert f"streamflix-{part}" in rule, part


def test_losing_copies_wakes_somebody() -> None:
    assert "backup" in str(COMPOSITES["DataAtRiskAlarm"]["AlarmRule"])


def test_a_credential_that_may_be_refused_wakes_somebody() -> None:
    rule = str(COMPOSITES["CredentialsAtRiskAlarm"]["AlarmRule"])

    for single in ("secret-drifted", "secret-too-old"):
        assert f"streamflix-{single}" in rule, single


def test_a_deployment_is_rolled_back_by_alarms_that_exist() -> None:
    tree = deployed.platform("prod")
    names = {
        str(deployed.text(tree, it.stack, it.properties["AlarmName"])): it
        for it in tree.resources("AWS::CloudWatch::Alarm")
    }
    for service in tree.resources("AWS::ECS::Service"):
        asked = service.properties["DeploymentConfiguration"]["Alarms"]
        assert asked["Enable"] is asked["Rollback"] is True
        for name in deployed.text(tree, service.stack, asked["AlarmNames"]):
            assert tree.before(names[name], service), name


def test_the_laptop_can_evaluate_every_expression() -> None:
    queries = [list(flat(alarm["Metrics"])) for alarm in SINGLES.values() if "Metrics" in alarm]

    assert len(queries) >= 10
    for each in queries:
        [expression] = [query["Expression"] for query in each if "Expression" in query]
        plain = str(expression.get("Fn::Sub") if isinstance(expression, dict) else expression)
        metrics = {
            query["Id"]: Metric((1.0, 2.0), query["MetricStat"]["Period"])
            for query in each
            if "MetricStat" in query
        }
        assert len(evaluate(plain.replace("${RpoSeconds}", "300"), metrics)) == 2


def flat(queries: list[house.Body]) -> Iterator[house.Body]:
    """The queries of an alarm, with those that a condition may leave out."""
    for query in queries:
        yield query["Fn::If"][1] if "Fn::If" in query else query
