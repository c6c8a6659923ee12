"""What real writers tell CloudWatch: the alarm on a missing writer is red only while none serves.

The alarms' clock is set ahead, so that the minutes that the declared alarm waits for pass at once.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.eventually import eventually
from tests.integration.local.laptop import CLUSTER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.local.laptop import Laptop

ALARM = "streamflix-database-writer-missing"
UPTIME = "SELECT extract(epoch FROM now() - pg_postmaster_start_time())::float8"
RANGE_MINUTES = 6  # three periods, two more that are looked back upon, and the one under way


@pytest.fixture
def clock(laptop: Laptop) -> Iterator[Path]:
    """How many seconds the alarms' clock is ahead."""
    file = laptop.root / ".local/hooks/alarms-clock"
    file.write_text("0")
    yield file
    file.unlink()


def ahead(clock: Path, minutes: int) -> None:
    clock.write_text(str(float(clock.read_text()) + minutes * 60))


def told(
    laptop: Laptop, metric: str, clock: Path, cluster: str = CLUSTER, **role: str
) -> float | None:
    """The latest value of a metric of the cluster."""
    where = {"DBClusterIdentifier": cluster} | role
    now = time.time() + float(clock.read_text())
    points: list[dict[str, Any]] = laptop.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in where.items()],
        StartTime=now - 55,
        EndTime=now + 5,
        Period=1,
        Statistics=["Maximum"],
    )["Datapoints"]
    found = sorted((point["Timestamp"], point["Maximum"]) for point in points)
    return float(found[-1][1]) if found else None


@pytest.fixture
def lonely(laptop: Laptop) -> Iterator[str]:
    """A cluster with one member: without it nobody writes, and nobody takes over."""
    name = "streamflix-aurora-lonely"
    laptop.client("rds").create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        DatabaseName="streamflix",
        MasterUsername="master",
        MasterUserPassword="of a lonely cluster",
    )
    laptop.add_member(name, f"{name}-a")
    yield name
    laptop.remove(name)


def alarm(laptop: Laptop) -> dict[str, Any]:
    found = laptop.client("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    return dict(found[0])


def test_the_writer_s_numbers_are_told(laptop: Laptop, clock: Path) -> None:
    def is_true(uptime: float | None) -> bool:
        """The last that was told may be of the writer before, if there was a failover just now."""
        [(real,)] = laptop.ask(UPTIME)
        return uptime is not None and real - 8 <= uptime <= real

    eventually(lambda: told(laptop, "EngineUptime", clock, Role="WRITER"), 15, is_true)

    assert told(laptop, "AuroraReplicaLagMaximum", clock) is not None
    assert told(laptop, "MaximumUsedTransactionIDs", clock)
    assert told(laptop, "Deadlocks", clock) == 0
    assert told(laptop, "DatabaseConnections", clock) is not None


def test_the_alarm_on_a_missing_writer_is_red_until_one_serves(
    laptop: Laptop, clock: Path, lonely: str
) -> None:
    where = {"DBClusterIdentifier": lonely, "Role": "WRITER"}
    laptop.client("cloudwatch").put_metric_alarm(
        AlarmName=ALARM,
        Namespace="AWS/RDS",
        MetricName="EngineUptime",
        Dimensions=[{"Name": key, "Value": value} for key, value in where.items()],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=3,
        ComparisonOperator="LessThanThreshold",
        Threshold=0,
        TreatMissingData="breaching",
    )
    eventually(lambda: told(laptop, "EngineUptime", clock, lonely, Role="WRITER"), 8)
    eventually(lambda: alarm(laptop)["StateReason"], 3, lambda why: not why.startswith("Unchecked"))

    laptop.client("rds").delete_db_instance(
        DBInstanceIdentifier=f"{lonely}-a", SkipFinalSnapshot=True
    )
    ahead(clock, RANGE_MINUTES)
    eventually(lambda: alarm(laptop)["StateValue"], 8, lambda state: state == "ALARM")
    assert told(laptop, "EngineUptime", clock, lonely, Role="WRITER") is None

    laptop.add_member(lonely, f"{lonely}-a")
    eventually(lambda: told(laptop, "EngineUptime", clock, lonely, Role="WRITER"), 10)
    ahead(clock, 1)
    eventually(lambda: alarm(laptop)["StateValue"], 8, lambda state: state == "OK")
    laptop.client("cloudwatch").delete_alarms(AlarmNames=[ALARM])
