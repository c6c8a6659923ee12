"""A minute of the probe, with a heart that fails when it is told to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from recovery.probe import Doors, Probe
from recovery.pulse import Beat
from recovery.table import Table
from streamflix.errors import DatabaseUnreachable

if TYPE_CHECKING:
    from recovery.incidents import Incidents
    from tests.unit.recovery.conftest import Time


class Heart:
    """Counts as the row does; unreachable in the given span of time."""

    def __init__(self, time: Time, dead: tuple[float, float] = (0, 0)) -> None:
        self.time = time
        self.dead = dead
        self.count = 40
        self.seen = 0.0
        self.reader_stands_still = self.reader_down = False

    def beat(self) -> Beat:
        if self.dead[0] <= self.time.now < self.dead[1]:
            raise DatabaseUnreachable("writer: connection refused")
        self.count += 1
        if not self.reader_stands_still:
            self.seen = self.time.now
        return Beat(self.count, self.time.now, self.time.now)

    def seen_by_reader(self) -> float:
        if self.reader_down:
            raise DatabaseUnreachable("reader: connection refused")
        return self.seen


def probe(heart: Any, incidents: Incidents, time: Time) -> Probe:
    return Probe(Doors(heart, incidents, time, time.sleep), "test")


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line) for line in lines if '"_aws"' in line]


def test_a_quiet_minute_is_all_acknowledged(incidents: Incidents, time: Time) -> None:
    numbers = probe(Heart(time), incidents, time).run(58)
    assert numbers == {"WritesAcknowledged": 58, "WritesFailed": 0, "ReplicaLagSeconds": 0}
    assert incidents.recent(0) == []


def test_an_outage_within_a_minute_is_on_record_with_its_length(
    incidents: Incidents, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = probe(Heart(time, (10_010.0, 10_014.0)), incidents, time).run(58)

    [incident] = incidents.recent(0)
    assert (incident.started_at, incident.detected_at) == (10_009.0, 10_010.0)
    assert (incident.recovery_seconds, incident.lost_beats) == (5.0, 0)
    lines = told(capsys)
    assert lines[0]["WritesFailed"] == 1, "at once, not at the minute's end"
    [back] = [line for line in lines if "BeatsLost" in line]
    assert (back["RecoveryTimeSeconds"], back["BeatsLost"]) == (5.0, 0)
    told_already = sum(line.get("WritesFailed", 0) for line in lines)
    assert told_already + numbers["WritesFailed"] == 4


def test_an_outage_across_minutes_is_one_incident(incidents: Incidents, time: Time) -> None:
    heart = Heart(time, (10_030.0, 10_130.0))
    for _ in range(3):
        probe(heart, incidents, time).run(58)
        time.sleep(2)

    [incident] = incidents.recent(0)
    assert incident.started_at == 10_029.0
    assert incident.recovery_seconds == pytest.approx(101.0)


def test_acknowledged_writes_that_are_gone_are_counted(
    incidents: Incidents, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    heart = Heart(time, (10_010.0, 10_012.0))
    beat = heart.beat

    def forget() -> Beat:
        if time.now == 10_012.0:
            heart.count -= 3  # the successor never had them
        return beat()

    heart.beat = forget  # type: ignore[method-assign]
    probe(heart, incidents, time).run(20)

    [incident] = incidents.recent(0)
    assert incident.lost_beats == 3
    assert [line["BeatsLost"] for line in told(capsys) if "BeatsLost" in line] == [3]


def test_two_probes_at_once_are_one_incident_and_one_loss(
    incidents: Incidents, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last beat of one hangs past its minute; the next began from what was known before."""
    heart = Heart(time, (10_008.0, 10_020.0))
    one = probe(heart, incidents, time)
    two = probe(heart, incidents, time)
    two._remember()  # knows nothing
    one.run(10)  # beats until 10,007, then fails and ends

    heart.count -= 5  # the successor never had them
    two._beat()
    two._save()
    time.now = 10_020.0
    two._beat()
    two._save()

    [incident] = incidents.recent(0)
    assert (incident.started_at, incident.first_write_at) == (10_007.0, 10_020.0)
    assert incident.lost_beats == 5
    assert len([line for line in told(capsys) if "BeatsLost" in line]) == 1


def test_a_record_that_cannot_be_reached_is_written_when_it_can(
    incidents: Incidents, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Table._call

    def refuse(self: Table, name: str, **given: Any) -> Any:
        from recovery.errors import RecordUnreachable

        if time.now < 10_020.0:
            raise RecordUnreachable("down as well")
        return call(self, name, **given)

    monkeypatch.setattr(Table, "_call", refuse)
    probe(Heart(time, (10_010.0, 10_014.0)), incidents, time).run(58)

    [incident] = incidents.recent(0)
    assert incident.recovery_seconds == 5.0


def test_a_reader_that_stands_still_grows_old_and_is_told_of_at_once(
    incidents: Incidents, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    heart = Heart(time)
    heart.beat()
    heart.reader_stands_still = True
    numbers = probe(heart, incidents, time).run(30)
    assert numbers["ReplicaLagSeconds"] == 25.0
    lags = [line["ReplicaLagSeconds"] for line in told(capsys) if "ReplicaLagSeconds" in line]
    assert lags == [10.0, 15.0, 20.0, 25.0], "what is too old, before the minute ends"


def test_a_reader_that_cannot_be_asked_has_no_lag_to_tell(incidents: Incidents, time: Time) -> None:
    heart = Heart(time)
    heart.reader_down = True
    assert "ReplicaLagSeconds" not in probe(heart, incidents, time).run(30)
