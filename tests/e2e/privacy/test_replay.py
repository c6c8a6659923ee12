"""Erasures are repeated where the restore workflow says; here, in the database that there is."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.e2e.privacy.conftest import register, rows

if TYPE_CHECKING:
    from tests.e2e.privacy.conftest import Api, Somebody
    from tests.e2e.restore import Restore
    from tests.e2e.stage import Stage


def replay(aws: Any, outputs: dict[str, str], **changes: str) -> Any:
    event = {
        "restore": f"r{uuid.uuid4().hex}",
        "address": f"{outputs['AuroraClusterEndpoint']}:{outputs['AuroraPort']}",
        "targetTime": datetime.now(UTC).isoformat(),
        "mode": "drill",
        **changes,
    }
    answer = aws.client("lambda").invoke(
        FunctionName=f"streamflix-privacy-replay-{outputs['EnvironmentSuffix']}",
        Payload=json.dumps(event),
    )
    return json.loads(answer["Payload"].read())


def come_back(owner: Any, who: Somebody) -> None:
    """As a restore brings somebody back: under the same ids."""
    with owner.cursor() as cursor:
        register(cursor, who)
        cursor.execute("RESET ROLE")


def test_who_comes_back_goes_again_and_the_receipt_is_the_ledgers(
    api: Api, aws: Any, outputs: dict[str, str], owner: Any, somebody: Somebody
) -> None:
    body = api.ask({"email": somebody.email})
    assert api("POST", "/v2/requests", body).status == 201
    api.completed(body["subject_request_id"])
    come_back(owner, somebody)
    run = f"r{uuid.uuid4().hex}"

    told = replay(aws, outputs, restore=run)

    assert told["accounts"] == 1, told
    assert told["rows"]["app.profile"] == 1
    assert set(rows(owner, somebody).values()) == {0}
    key = {"id": {"S": f"restore#{run}"}, "what": {"S": "receipt"}}
    table = outputs["PrivacyLedgerTableName"]
    kept = aws.client("dynamodb").get_item(TableName=table, Key=key)["Item"]["receipt"]["S"]
    assert hashlib.sha256(kept.encode()).hexdigest() == told["receipt"]
    receipt = json.loads(kept)
    api.verify(receipt["receipt"].encode(), receipt["signature"])
    assert json.loads(receipt["receipt"])["tombstones"] == told["tombstones"] >= 2


def test_a_point_in_time_beyond_the_tombstones_is_refused(
    aws: Any, outputs: dict[str, str]
) -> None:
    told = replay(aws, outputs, targetTime="2020-01-01T00:00:00Z")

    assert told["errorType"] == "TargetTooOld"


def test_events_of_somebody_erased_that_are_counted_again_bring_nobody_back(
    api: Api, owner: Any, somebody: Somebody, stage: Stage, restore: Restore
) -> None:
    body = api.ask({"email": somebody.email})
    assert api("POST", "/v2/requests", body).status == 201
    api.completed(body["subject_request_id"])
    stop = stage.event("stop", account_id=somebody.account, profile_id=somebody.profile)
    with restore.without_mapping():
        stage.put(stop)

        told = restore.replay()

    assert told["ingested"] == 1, told
    assert stage.rollups()["watched_s"] == stop["watched_s"]
    assert set(rows(owner, somebody).values()) == {0}
