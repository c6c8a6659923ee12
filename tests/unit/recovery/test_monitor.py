"""Incidents that are over get their cause and are told once; breaches are told when they begin."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from recovery import monitor
from recovery.incident import Incident, Witness
from recovery.verdict import Verdict
from streamflix import aws
from tests.unit.recovery.test_checks import ENV

if TYPE_CHECKING:
    from recovery.incidents import Incidents
    from tests.unit.recovery.conftest import Time

WRITTEN = Incident(9_980.0, 9_981.0, "DatabaseUnreachable", first_write_at=9_990.0)
SAID = Witness(9_984.0, "rds", "c", "RDS-EVENT-0071", "Completed failover to b")


class Ears:
    """Who is told: the page topic and the bus. ElastiCache has nothing to say, or refuses."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.events: list[str] = []
        self.deaf = False

    def publish(self, *, Message: str, **_: str) -> None:  # noqa: N803
        if self.deaf:
            raise ClientError({"Error": {"Code": "InternalError"}}, "Publish")
        self.pages.append(Message)

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        self.events += [entry["DetailType"] for entry in Entries]
        return {"FailedEntryCount": 0, "Entries": [{}]}

    def describe_events(self, **_: Any) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "Throttling"}}, "DescribeEvents")


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch, incidents: Incidents) -> Ears:
    ears, real = Ears(), aws.client
    assert incidents
    ours = {"sns", "events", "elasticache"}
    monkeypatch.setattr(aws, "client", lambda name: ears if name in ours else real(name))
    return ears


def conclude(incidents: Incidents, time: Time, *, healthy: bool = True) -> list[Incident]:
    return monitor.conclude(ENV, incidents, time, healthy=healthy)


def test_an_incident_that_is_over_is_told_once_with_its_cause(
    incidents: Incidents, time: Time, ears: Ears
) -> None:
    incidents.record(WRITTEN)
    incidents.witness(SAID)
    time.sleep(300)

    [over] = conclude(incidents, time)
    assert conclude(incidents, time) == []

    assert (over.cause, over.promoted_at) == ("rds c: Completed failover to b", 9_984.0)
    assert ears.events == ["FailoverObserved"]
    [page] = ears.pages
    assert "Writes failed for 10.0 s" in page
    assert incidents.recent(0) == [over]


@pytest.mark.parametrize(
    "case", ["writes still fail", "the database is not whole", "aws had no time to tell"]
)
def test_an_incident_is_open_until_all_is_well(
    incidents: Incidents, time: Time, ears: Ears, case: str
) -> None:
    still = replace(WRITTEN, first_write_at=None) if case == "writes still fail" else WRITTEN
    incidents.record(still)
    time.sleep(100 if case == "aws had no time to tell" else 300)

    assert conclude(incidents, time, healthy=case != "the database is not whole") == []
    assert ears.pages == []


def test_a_page_that_fails_is_tried_again_with_the_next_look(
    incidents: Incidents, time: Time, ears: Ears
) -> None:
    incidents.record(WRITTEN)
    time.sleep(300)
    ears.deaf = True
    with pytest.raises(ClientError):
        conclude(incidents, time)
    ears.deaf = False

    assert len(conclude(incidents, time)) == 1
    assert len(ears.pages) == 1


def test_a_failover_that_nobody_felt_is_told_as_well(
    incidents: Incidents, time: Time, ears: Ears
) -> None:
    incidents.witness(SAID)
    time.sleep(300)

    [over] = conclude(incidents, time)

    assert over.recovery_seconds == 0
    assert len(ears.pages) == 1
    assert conclude(incidents, time) == []


def test_a_promotion_in_the_middle_of_an_outage_is_no_incident_of_its_own(
    incidents: Incidents, time: Time, ears: Ears
) -> None:
    """Somebody failed over by hand, minutes later, and writes still fail."""
    incidents.record(replace(WRITTEN, first_write_at=None))
    time.sleep(200)
    incidents.witness(replace(SAID, at=time.now))
    time.sleep(300)

    assert conclude(incidents, time) == []
    assert ears.pages == []


def test_an_old_backup_keeps_no_incident_open() -> None:
    breaches = (
        "the newest recovery point of the database is 100000 s old; the plan allows 97200 s",
        "instances of the database serve in 2 zones instead of 3",
    )
    assert monitor._database_is_well(Verdict(breaches=breaches))
    assert not monitor._database_is_well(Verdict(breaches=("the database has no writer",)))
    denied = "database could not be looked at: AccessDenied"
    assert not monitor._database_is_well(Verdict(breaches=(denied,)))


def test_a_breach_is_news_once(incidents: Incidents, ears: Ears) -> None:
    for seconds in (301, 361, 421):
        words = f"a restore would lose {seconds} s of writing; the objective is 300 s"
        monitor.announce(ENV, incidents, Verdict(breaches=(words,)))
    assert ears.events == ["ObjectiveBreached"]

    monitor.announce(ENV, incidents, Verdict())
    monitor.announce(ENV, incidents, Verdict(breaches=(words,)))
    assert ears.events == ["ObjectiveBreached", "ObjectiveBreached"]
