"""`make incident`: what on-call sees first, read from what the recovery room itself has written."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from account import __main__ as command
from account.recovery import incident, words
from account.refusal import Refusal
from recovery.incident import Incident, Witness
from recovery.incidents import Incidents
from recovery.restores import Restore, Restores
from recovery.table import Table
from streamflix import aws
from tests import tables
from tests.unit.account.answers import Paper, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from account.guard import Account
    from tests.unit.account.answers import Answers

TABLE = "streamflix-incidents-dev"
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
BEGAN = (NOW - timedelta(minutes=5)).timestamp()
FAILING = Incident(BEGAN, BEGAN + 1, "DatabaseUnreachable")
WRITING = replace(FAILING, first_write_at=BEGAN + 31.42, lost_beats=2)
UNKNOWN = "not known yet; it began with DatabaseUnreachable"
OVER = replace(WRITING, promoted_at=BEGAN + 12, recovered_at=BEGAN + 90, cause="rds c: failover")


@pytest.fixture
def record(dev: Account) -> Iterator[Incidents]:
    """The room's own hand, at this moment."""
    aws.client.cache_clear()
    tables.create(dev.client("dynamodb"), TABLE, "kind", "at")
    yield Incidents(Table(TABLE, NOW.timestamp))
    aws.client.cache_clear()


def looked(account: Account, ago: timedelta) -> None:
    """The monitor published what it measured."""
    account.client("cloudwatch").put_metric_data(
        Namespace="StreamFlix/Ops",
        MetricData=[
            {
                "MetricName": "RecoveryChecksBreached",
                "Dimensions": [{"Name": "Environment", "Value": account.environment}],
                "Timestamp": NOW - ago,
                "Value": 0,
            }
        ],
    )


def restored(run: str, mode: str, began: datetime, back: datetime | None, **end: Any) -> None:
    restores = Restores(Table(TABLE, NOW.timestamp))
    target = back and back.timestamp()
    begun = restores.begin(Restore(run, mode, began.timestamp(), "a-copy", target))
    if end:
        restores.end(begun, ended_at=NOW.timestamp(), **end)


def shown(account: Account, now: datetime = NOW) -> list[str]:
    paper = Paper()
    incident.show(account, paper, now)
    return paper.lines


def test_a_quiet_environment_says_so_in_four_lines(dev: Account, record: Incidents) -> None:
    looked(dev, timedelta(minutes=2))

    assert shown(dev) == [
        "account 123456789012, region eu-central-1, environment dev",
        "Nothing is red in dev.",
        "The monitor looked 60.0 s ago and found nothing breached.",
        "No incident in 30 days.",
        "No drill yet.",
    ]


def test_what_is_breached_is_said_in_the_monitors_words(dev: Account, record: Incidents) -> None:
    record.keep_breached(["a certificate ends in n days", "the database has no writer"])

    lines = shown(dev, NOW + timedelta(seconds=70))

    assert lines[2:6] == [
        "The monitor looked 70.0 s ago and found breached:",
        "  a certificate ends in n days",
        "  the database has no writer",
        "  How much: make logs ENV=dev ROOM=recovery SINCE=10m",
    ]


def test_a_finding_that_lasts_is_no_sign_of_a_monitor_that_does_not_look(
    dev: Account, record: Incidents
) -> None:
    """It writes down what is breached when that changes only."""
    record.keep_breached(["the database has no writer"])
    later = NOW + timedelta(hours=2)
    looked(dev, timedelta(hours=-2, minutes=1))

    assert "The monitor looked 0.0 s ago and found breached:" in shown(dev, later)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (4, "The monitor looked 3 min 00 s ago and found nothing breached."),
        (13, "The monitor does not look; it last did 12 min 00 s ago: docs/runbooks/"),
        (24 * 60, "The monitor does not look; nobody knows what is breached: docs/runbooks/"),
    ],
)
def test_a_monitor_that_has_been_silent_for_three_minutes_does_not_look(
    dev: Account, record: Incidents, minutes: int, said: str
) -> None:
    looked(dev, timedelta(minutes=minutes))

    assert shown(dev)[2].startswith(said)


def test_incidents_are_told_the_newest_first_and_the_open_one_is_marked(
    dev: Account, record: Incidents
) -> None:
    day = 86_400
    record.record(replace(OVER, started_at=BEGAN - 31 * day))
    record.record(
        replace(OVER, started_at=BEGAN - day, first_write_at=BEGAN - day + 252, promoted_at=None)
    )
    record.record(replace(OVER, started_at=BEGAN - 60))
    record.record(FAILING)

    assert shown(dev)[3:7] == [
        "Incidents of 30 days, the newest first",
        f"OPEN | 2026-11-02 08:55:00 | since 08:55:00 | 0 |  | {UNKNOWN}",
        "over | 2026-11-02 08:54:00 | 91.4 s | 2 | 72.0 s | rds c: failover",
        "over | 2026-11-01 08:55:00 | 4 min 12 s | 2 |  | rds c: failover",
    ]


def test_an_incident_that_is_not_over_comes_with_what_aws_says_about_it(
    dev: Account, record: Incidents
) -> None:
    record.record(WRITING)
    for seconds, message in ((-95, "before"), (-80, "begins"), (120, "ends"), (125, "after")):
        record.witness(Witness(BEGAN + seconds, "rds", "c", f"RDS-EVENT-{seconds}", message))

    lines = shown(dev)

    assert lines[4].startswith("writes work | 2026-11-02 08:55:00 | 31.4 s | 2 | ")
    assert lines[5:8] == [
        "AWS about the one of 2026-11-02 08:55:00 UTC:",
        "  2026-11-02 08:53:40 rds c: begins",
        "  2026-11-02 08:57:00 rds c: ends",
    ]
    assert lines[8:] == ["No drill yet."]


def test_while_aws_is_silent_that_is_said(dev: Account, record: Incidents) -> None:
    record.record(FAILING)

    assert "  nothing yet; its events come within a minute or two" in shown(dev)


def test_restores_and_drills_come_with_their_numbers(dev: Account, record: Incidents) -> None:
    day, hour = timedelta(days=1), timedelta(hours=1)
    numbers = {"rto_seconds": 1_312.4, "rpo_seconds": 41.25, "accounts_erased": 3}
    restored("1-drill", "drill", NOW - day, None, outcome="passed", **numbers)
    back = NOW - day - hour
    restored("2-failed", "drill", NOW - hour, back, outcome="failed", reason="Drifted")
    restored("0-runs", "cutover", NOW, back)

    assert shown(dev)[-4:] == [
        "Restores and drills, the newest 3 of 3",
        "cutover | 2026-11-02 09:00:00 | 2026-11-01 08:00:00 | RUNNING |  |  |  | 0-runs",
        "drill | 2026-11-02 08:00:00 | 2026-11-01 08:00:00 | failed: Drifted |  |  |  | 2-failed",
        "drill | 2026-11-01 09:00:00 | latest | passed | 21 min 52 s | 41.2 s | 3 | 1-drill",
    ]


def test_a_cutover_is_no_drill_and_a_screen_holds_ten(dev: Account, record: Incidents) -> None:
    for number in range(12):
        restored(f"r{number:02}", "cutover", NOW + timedelta(seconds=number), None)

    lines = shown(dev)

    assert lines[-12:-10] == ["No drill yet.", "Restores and drills, the newest 10 of 12"]
    assert [line.rpartition(" | ")[2] for line in lines[-10:]] == [
        f"r{number:02}" for number in range(11, 1, -1)
    ]


def test_nothing_is_written(dev: Account, record: Incidents) -> None:
    record.record(FAILING)
    called: list[str] = []
    dev.session.events.register("before-call.*.*", lambda model, **_: called.append(model.name))

    shown(dev)

    assert set(called) == {"DescribeAlarms", "GetItem", "GetMetricStatistics", "Query"}


def alarm(name: str, minutes: int, description: str) -> dict[str, Any]:
    turned = NOW - timedelta(minutes=minutes)
    return {
        "AlarmName": name,
        "AlarmDescription": description,
        "StateTransitionedTimestamp": turned,
    }


@pytest.fixture
def quiet(answers: Answers) -> Answers:
    """An account where only alarms have something to say."""
    answers["dynamodb.get_item"] = {}
    answers["dynamodb.query"] = {"Items": []}
    answers["cloudwatch.get_metric_statistics"] = {"Datapoints": []}
    answers["cloudwatch.describe_alarms"] = {"CompositeAlarms": [], "MetricAlarms": []}
    return answers


def test_red_alarms_come_first_those_that_wake_somebody_before_the_others(quiet: Answers) -> None:
    words_of_it = "Writes fail. The time runs.\nFirst check: x. Runbook: docs/runbooks/{}.md"
    quiet["cloudwatch.describe_alarms"] = {
        "CompositeAlarms": [alarm("streamflix-down-dev", 2, words_of_it.format("down"))],
        "MetricAlarms": [
            alarm("streamflix-b-dev", 3, "Somebody's own"),
            alarm("streamflix-a-dev", 200, words_of_it.format("a")),
            alarm("streamflix-a-prod", 9, "Another environment's."),
        ],
    }

    assert shown(quiet.account())[1:5] == [
        "Red now in dev",
        "PAGE | down | 2026-11-02 08:58 (2 min 00 s) | Writes fail. | docs/runbooks/down.md",
        "ticket | a | 2026-11-02 05:40 (3 h 20 min) | Writes fail. | docs/runbooks/a.md",
        "ticket | b | 2026-11-02 08:57 (3 min 00 s) | Somebody's own | none",
    ]
    [asked] = quiet.called("cloudwatch.describe_alarms")
    assert (asked["StateValue"], asked["AlarmTypes"]) == (
        "ALARM",
        ["CompositeAlarm", "MetricAlarm"],
    )


def test_the_laptops_cloud_needs_no_introduction(quiet: Answers) -> None:
    assert shown(quiet.account("local"))[0] == "Nothing is red in local."
    assert quiet.called("dynamodb.get_item")[0]["TableName"] == "streamflix-incidents-local"


def test_what_cannot_be_read_does_not_hide_the_rest(quiet: Answers) -> None:
    quiet["cloudwatch.describe_alarms"] = Refused("AccessDenied")
    paper = Paper()

    with pytest.raises(Refusal, match=r"^Not everything could be read: what is red now\.$"):
        incident.show(quiet.account(), paper, NOW)

    assert paper.lines[1].startswith("Not read: what is red now. An error occurred (AccessDenied)")
    assert paper.lines[-2:] == ["No incident in 30 days.", "No drill yet."]


@pytest.mark.parametrize("operation", ["get_item", "query"])
def test_without_a_table_the_remedy_is_to_deploy(quiet: Answers, operation: str) -> None:
    quiet[f"dynamodb.{operation}"] = Refused("ResourceNotFoundException")

    with pytest.raises(Refusal, match=f"^There is no table {TABLE}: make deploy ENV=dev comes"):
        shown(quiet.account())


def test_a_record_of_another_age_is_told_from_none(quiet: Answers) -> None:
    quiet["dynamodb.query"] = {"Items": [{"record": {"S": json.dumps({"began": 1})}}]}

    with pytest.raises(Refusal, match="in another form than this checkout reads: make deploy ENV="):
        shown(quiet.account())


def test_the_command_ends_well_although_something_is_red(
    quiet: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = Paper()
    monkeypatch.setattr(command, "_account", quiet.account)
    monkeypatch.setattr(command, "Terminal", lambda: paper)
    quiet["cloudwatch.describe_alarms"] = {
        "MetricAlarms": [alarm("streamflix-a-dev", 1, "Bad. Runbook: docs/runbooks/a.md")]
    }

    assert command.main(["incident", "--env", "dev"]) == 0
    assert "ticket | a | " in paper.text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (-3.21, "-3.2 s"),
        (99.94, "99.9 s"),
        (100, "1 min 40 s"),
        (3_599.4, "59 min 59 s"),
        (3_599.6, "1 h 00 min"),
        (86_400, "1 d 0 h"),
        (187_300, "2 d 4 h"),
    ],
)
def test_lengths_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert words.length(seconds) == said
