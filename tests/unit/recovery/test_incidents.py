"""What is on record outside of Aurora."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from recovery.errors import RecordUnreachable
from recovery.incident import Incident, Witness
from recovery.incidents import Incidents
from recovery.pulse import Beat, Pulse
from recovery.restores import FENCED, Restore, Restores
from recovery.table import Table

if TYPE_CHECKING:
    from tests.unit.recovery.conftest import Time

BEGUN = Incident(9_990.0, 9_991.0, "DatabaseUnreachable")
WRITTEN = replace(BEGUN, first_write_at=9_995.0, lost_beats=2)
OVER = replace(WRITTEN, recovered_at=10_060.0, cause="rds c: failover")


def test_an_incident_is_known_as_far_as_it_went(incidents: Incidents) -> None:
    for stage in (BEGUN, WRITTEN, OVER):
        assert incidents.record(stage)
        assert incidents.recent(0) == [stage]


def test_whoever_comes_second_changes_nothing(incidents: Incidents) -> None:
    incidents.record(WRITTEN)
    assert not incidents.record(replace(WRITTEN, first_write_at=9_996.0))
    assert not incidents.record(BEGUN)
    assert incidents.recent(0) == [WRITTEN]


def test_the_next_probe_knows_the_last_beat(incidents: Incidents) -> None:
    pulse = Pulse()
    pulse.succeed(Beat(7, 9_999.0, 9_999.0))
    incidents.keep(pulse)
    assert incidents.pulse() == Pulse(9_999.0, 7)


def test_the_next_probe_goes_on_with_an_open_incident(incidents: Incidents) -> None:
    pulse = Pulse(9_990.0, 7)
    begun = pulse.fail(9_991.0, "DatabaseUnreachable")
    assert begun
    incidents.record(begun)
    incidents.keep(pulse)

    ended = incidents.pulse().succeed(Beat(8, 10_050.0, 10_050.0))

    assert ended
    assert (ended.name, ended.recovery_seconds) == (begun.name, 60.0)


def test_an_incident_that_another_probe_saw_end_is_not_open(incidents: Incidents) -> None:
    pulse = Pulse(9_990.0, 7)
    begun = pulse.fail(9_991.0, "DatabaseUnreachable")
    assert begun
    incidents.record(replace(begun, first_write_at=9_995.0))
    incidents.keep(pulse)
    assert incidents.pulse().incident is None


def test_after_a_time_without_a_probe_nobody_knows_when_writes_began_to_fail(
    incidents: Incidents, time: Time
) -> None:
    incidents.keep(Pulse(time.now, 7))
    time.sleep(600)
    assert incidents.pulse() == Pulse(None, 7)


def test_a_first_probe_knows_nothing(incidents: Incidents) -> None:
    assert incidents.pulse() == Pulse()


def test_an_event_that_arrives_twice_is_one(incidents: Incidents) -> None:
    witness = Witness(9_990.5, "rds", "c", "RDS-EVENT-0071", "Completed failover")
    incidents.witness(witness)
    incidents.witness(witness)
    assert incidents.witnesses(9_000.0) == [witness]
    assert incidents.witnesses(9_991.0) == []


def test_a_cutover_bears_witness_that_it_took_the_database_away(
    incidents: Incidents, table: Table
) -> None:
    begun = Restore("by-hand", "cutover", 9_980.0, "c-r1")
    restores = Restores(table)
    restores.begin(begun)
    assert incidents.witnesses(9_000.0) == []

    restores.advance(begun, FENCED, fenced_at=9_990.0)

    [fenced] = incidents.witnesses(9_000.0)
    assert (fenced.at, fenced.words) == (9_990.0, "cutover by-hand: the database was fenced")
    assert incidents.witnesses(9_991.0) == []


def test_what_was_breached_a_minute_ago_is_known(incidents: Incidents) -> None:
    assert incidents.breached() == []
    incidents.keep_breached(["the database has no writer"])
    assert incidents.breached() == ["the database has no writer"]


def test_a_table_that_is_not_there_is_told(clouds: None) -> None:
    with pytest.raises(RecordUnreachable, match="ResourceNotFoundException"):
        Incidents(Table("not-there")).pulse()
