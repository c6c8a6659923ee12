"""The platform watches itself: beats are written, objectives measured, failovers put on record."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.e2e.recovery.workflow import on_record
from tests.eventually import eventually

EVENTS = Path(__file__).parents[3] / "events/recovery"


def invoke(aws: Any, outputs: dict[str, str], what: str, event: dict[str, Any]) -> Any:
    answer = aws.client("lambda").invoke(
        FunctionName=f"streamflix-recovery-{what}-{outputs['EnvironmentSuffix']}",
        Payload=json.dumps(event),
    )
    told = json.loads(answer["Payload"].read() or b"null")
    assert "FunctionError" not in answer, told
    return told


def test_every_second_a_write_is_acknowledged_and_seen_by_the_reader(
    aws: Any, outputs: dict[str, str], connect: Any
) -> None:
    began = time.monotonic()
    numbers = invoke(aws, outputs, "probe", {"seconds": 4})

    assert numbers["WritesAcknowledged"] >= 3
    assert numbers["WritesFailed"] == 0
    assert numbers["ReplicaLagSeconds"] <= 2
    assert time.monotonic() - began >= 4
    with connect("MasterSecretArn").cursor() as cursor:
        cursor.execute("SET ROLE recovery_ro")
        cursor.execute("SELECT now() - beaten_at < interval '1 minute' FROM ops.heartbeat")
        assert cursor.fetchone() == (True,)
        cursor.execute("RESET ROLE")


def test_what_a_recovery_would_need_is_measured(aws: Any, outputs: dict[str, str]) -> None:
    looked = invoke(aws, outputs, "monitor", {})

    assert [each for each in looked["breached"] if "could not be looked at" in each] == []
    numbers = looked["numbers"]
    assert 0 <= numbers["RecoveryPointLagSeconds"] < 300
    assert numbers["DatabaseZones"] == 3
    assert numbers["RedisZones"] == 3
    assert numbers["CertificateDaysLeft"] > 30
    assert numbers["SecretDaysLeft"] > 0
    assert looked["breached"] == []


def test_a_failover_that_aws_tells_of_is_on_record_and_told(
    aws: Any, outputs: dict[str, str]
) -> None:
    event = json.loads((EVENTS / "rds_failover.json").read_text())
    event["detail"]["Date"] = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    event["detail"]["Message"] = "Completed failover to DB instance: of a test"
    invoke(aws, outputs, "observe", event)

    def told() -> list[dict[str, Any]]:
        invoke(aws, outputs, "monitor", {})
        return [i for i in on_record(aws, outputs, "incident") if "of a test" in i["cause"]]

    [incident] = eventually(told, 15, bool)
    assert incident["lost_beats"] == 0
    assert incident["recovered_at"]
