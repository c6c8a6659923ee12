"""What goes on beside the API: the schedules, the workflow's failures, the check of a deploy."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from privacy import answer, check, tend, work
from privacy.errors import BadStep, DataMapDrifted
from streamflix import settings
from tests.integration.privacy.desk import Context

if TYPE_CHECKING:
    from tests.integration.privacy.conftest import Somebody, Stores
    from tests.integration.privacy.desk import Desk


def test_a_workflow_that_could_not_be_started_is_started_within_the_minute(
    desk: Desk, somebody: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = desk.ask({"email": somebody.email})
    monkeypatch.setenv("STATE_MACHINE_ARN", desk.machine + "-gone")
    settings.cached.cache_clear()
    answer.desk.cache_clear()
    assert desk("POST", "/v2/requests", body)[0] == 201
    assert desk.running(body["subject_request_id"]) == []

    monkeypatch.setenv("STATE_MACHINE_ARN", desk.machine)
    settings.cached.cache_clear()
    numbers = [tend.handler({"task": "requests"}, Context()) for _ in range(2)]

    assert desk.running(body["subject_request_id"]) == [f"{body['subject_request_id']}-0"]
    assert numbers[0]["ErasuresOpen"] >= 1
    assert numbers[0]["ErasureOldestOpenDays"] == 0


def test_what_tax_law_lets_go_is_deleted(desk: Desk, stores: Stores) -> None:
    stores.database.do(
        "privacy_owner",
        "INSERT INTO privacy.retained_invoice (issued_on, country, amount_cents, vat_cents,"
        " currency, state, expires_at) SELECT now() - interval '9 years', 'DE', 1, 0, 'EUR',"
        " 'paid', now()::date + days FROM unnest(ARRAY[-1, 0, 1]) AS days;"
        "INSERT INTO privacy.tombstone (mark, epoch, made_at) SELECT decode(repeat(n, 32), 'hex'),"
        " 1, now() - days * interval '1 day' FROM (VALUES ('0', 121), ('1', 119)) AS t (n, days)",
    )

    numbers = tend.handler({"task": "expiry"}, Context())

    assert numbers["RetainedRowsExpired"] == 2
    assert numbers["DataMapDrift"] == 0
    left = stores.rows("SELECT count(*) FROM privacy.retained_invoice", role="privacy_erase")
    assert left == [(1,)]
    assert stores.rows("SELECT count(*) FROM privacy.tombstone", role="privacy_erase") == [(1,)]


def test_keys_that_the_map_does_not_name_are_counted(desk: Desk, stores: Stores) -> None:
    before = tend.handler({"task": "expiry"}, Context())["RedisKeysUnmapped"]
    stores.cluster.set("live:2026-11-30T10:00Z", "x", ex=60)
    stores.cluster.set("live:2026-11-30T10:00Z:c:DE", "x", ex=60)
    stores.cluster.set("session:without-its-account", "x", ex=60)

    assert tend.handler({"task": "expiry"}, Context())["RedisKeysUnmapped"] == before + 1


def test_what_is_no_task_and_no_step_is_refused(desk: Desk) -> None:
    with pytest.raises(BadStep):
        tend.handler({"task": "everything"}, Context())
    with pytest.raises(BadStep):
        work.handler({"request": str(uuid.uuid4()), "step": "skip"}, Context())
    with pytest.raises(BadStep):
        work.handler({"request": "nobody", "step": "fence"}, Context())


def test_a_workflow_that_gave_up_is_put_on_record(desk: Desk, somebody: Somebody) -> None:
    body = desk.ask({"email": somebody.email})
    desk("POST", "/v2/requests", body)
    request = body["subject_request_id"]

    work.handler({"request": request, "step": "fail", "error": "DataMapDrifted"}, Context())

    events = answer.desk().doors.ledger.events(uuid.UUID(request))
    assert (events[-1]["what"], events[-1]["detail"]) == ("failed", {"error": "DataMapDrifted"})


@dataclass
class Asked:
    """CloudFormation's request, as far as the check reads it."""

    version: str

    def text(self, name: str) -> str:
        return {"SchemaVersion": self.version}[name]


def test_a_deploy_is_told_whether_the_map_names_everything(desk: Desk, stores: Stores) -> None:
    newest = len(list(Path("functions/schema/sql").glob("*.sql")))
    assert len(check._act(Asked(str(newest)), Context(), None)["MapSha256"]) == 64  # type: ignore[arg-type]

    stores.database.do("app_owner", "ALTER TABLE app.rating ADD COLUMN review text")
    try:
        with pytest.raises(DataMapDrifted):
            check._act(Asked(str(newest)), Context(), None)  # type: ignore[arg-type]
        rolled_back = check._act(Asked(str(newest - 1)), Context(), None)  # type: ignore[arg-type]
    finally:
        stores.database.do("app_owner", "ALTER TABLE app.rating DROP COLUMN review")
    assert rolled_back["MapSha256"]
