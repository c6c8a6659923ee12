"""Data are lost by mistake, and the database of before takes over: nobody is told where it is.

One cutover with its adoption, told by several tests. CUTOVER_MINUTES_BACK says how long the mistake
goes unnoticed; then events come each half minute.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from tests import described
from tests.e2e.privacy.conftest import Api, Somebody, caller, register
from tests.e2e.recovery import workflow
from tests.e2e.recovery.workflow import clusters, on_record
from tests.e2e.rotation.test_rotation import rotated
from tests.e2e.stage import Stage
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS = 40
UNNOTICED_SECONDS = 60 * float(os.environ.get("CUTOVER_MINUTES_BACK") or 0)
RESTORABLE_SECONDS = 900
WEEK_AND_A_DAY = 8 * 86_400
TITLES = "SELECT title_id FROM catalog.title WHERE title_id LIKE %s"
ADD = "INSERT INTO catalog.title VALUES (%s, 'film', 'a film', 'drama', 60)"


@dataclass
class Story:
    """What was done, for tests to look at what came of it."""

    run: str
    stage: Stage
    before: dict[str, str]
    old: dict[str, Any]
    erased: Somebody
    waits: Somebody
    """Who had asked to be forgotten, and was not yet when the database was left."""
    request: str
    api: Api
    ended: str
    adopted: str
    batches: int = 3


@pytest.fixture(scope="module")
def story(aws: Any, outputs: dict[str, str], connect: Callable[..., Any]) -> Story:
    run, api = f"cutover-{uuid.uuid4().hex[:8]}", caller(outputs, aws)
    before = described.cluster(aws.client("rds"), outputs["AuroraClusterId"])
    old = clusters(aws)[outputs["AuroraClusterId"]]
    stage = Stage.set_up(
        outputs,
        aws.client("kinesis"),
        aws.client("sqs"),
        connect("AnalyticsSecretArn"),
        connect("DBSecretArn"),
    )
    master, erased, waits = connect("MasterSecretArn"), Somebody(), Somebody()
    with master.cursor() as cursor:
        register(cursor, erased)
        register(cursor, waits)
        cursor.execute("SET ROLE catalog_owner")
        cursor.execute(ADD, (f"{run}-kept",))
    count(stage)
    time.sleep(1.1)
    target = datetime.now(UTC)
    time.sleep(1.1)
    with master.cursor() as cursor:
        cursor.execute(ADD, (f"{run}-mistaken",))
    count(stage)
    batches = 3 + linger(stage, target)
    api.completed(ask(api, erased))
    rotated(aws, outputs["AnalyticsSecretArn"])
    rotated(aws, outputs["RecoverySecretArn"])
    eventually(
        lambda: clusters(aws)[outputs["AuroraClusterId"]]["LatestRestorableTime"],
        RESTORABLE_SECONDS,
        lambda latest: latest > target,
    )
    stage.put(*(stage.event() for _ in range(EVENTS)))
    request = ask(api, waits)
    confirm, at = old["DbClusterResourceId"], target.isoformat()
    ended = workflow.run(aws, outputs, run, mode="cutover", target=at, confirm=confirm)
    [restore] = [each for each in on_record(aws, outputs, "restore") if each["run"] == run]
    adopted = workflow.run(
        aws, outputs, f"{run}-adopt", mode="adopt", confirm=str(restore["replacement"])
    )
    stage.reader = connect("AnalyticsSecretArn")
    return Story(run, stage, before, old, erased, waits, request, api, ended, adopted, batches)


def linger(stage: Stage, since: datetime) -> int:
    """While nobody notices. Returns how many batches of events came meanwhile."""
    batches = 0
    while datetime.now(UTC) - since < timedelta(seconds=UNNOTICED_SECONDS):
        stage.put(*(stage.event() for _ in range(EVENTS)))
        batches += 1
        time.sleep(30)
    return batches


def ask(api: Api, who: Somebody) -> str:
    body = api.ask({"email": who.email})
    assert api("POST", "/v2/requests", body).status == 201
    return str(body["subject_request_id"])


def accounts(connect: Callable[..., Any], who: Somebody) -> int:
    with connect("MasterSecretArn") as connection, connection.cursor() as cursor:
        cursor.execute("SET ROLE app_owner")
        cursor.execute("SELECT count(*) FROM app.account WHERE account_id = %s", (who.account,))
        return int(cursor.fetchone()[0])


def count(stage: Stage) -> None:
    stage.put(*(stage.event() for _ in range(EVENTS)))
    stage.settle()


def test_it_ends_well_and_says_what_it_took_and_what_is_lost(
    story: Story,
    aws: Any,
    outputs: dict[str, str],
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    assert (story.ended, story.adopted) == ("SUCCEEDED", "SUCCEEDED")
    [restore] = [each for each in on_record(aws, outputs, "restore") if each["run"] == story.run]
    assert restore["outcome"] == "passed"
    assert 0 < restore["rto_seconds"] < 1_800
    assert restore["rpo_seconds"] < 300
    assert restore["accounts_erased"] >= 1
    record_testsuite_property("back_seconds", round(restore["started_at"] - restore["target_at"]))
    record_testsuite_property("rto_seconds", restore["rto_seconds"])
    record_testsuite_property("batches", story.batches)


def test_what_was_there_is_there_and_the_mistake_is_gone(
    story: Story, connect: Callable[..., Any]
) -> None:
    with connect("DBSecretArn") as connection, connection.cursor() as cursor:
        cursor.execute(TITLES, (f"{story.run}-%",))
        assert cursor.fetchall() == [(f"{story.run}-kept",)]


def test_events_of_before_between_and_meanwhile_count_exactly_once(story: Story) -> None:
    story.stage.settle()

    assert story.stage.rollups()["watched_s"] == story.batches * EVENTS * 10


def test_who_was_erased_in_between_stays_erased(story: Story, connect: Callable[..., Any]) -> None:
    assert accounts(connect, story.erased) == 0


def test_a_request_that_was_open_goes_on_in_the_database_that_took_over(
    story: Story, connect: Callable[..., Any]
) -> None:
    story.api.completed(story.request)

    assert accounts(connect, story.waits) == 0
    assert story.api.receipt(story.request)["erased"]["app.account"] == 1


def test_the_stacks_names_belong_to_the_new_cluster_as_they_did_to_the_old(
    story: Story, aws: Any, outputs: dict[str, str]
) -> None:
    after = described.cluster(aws.client("rds"), outputs["AuroraClusterId"])

    assert described.differing(story.before, after) == {}
    new = clusters(aws)[outputs["AuroraClusterId"]]
    assert new["DbClusterResourceId"] != story.old["DbClusterResourceId"]


def test_the_replaced_cluster_lets_nobody_in_and_goes_with_the_first_drill_after_a_week(
    story: Story, aws: Any, outputs: dict[str, str], ca: str
) -> None:
    [restore] = [each for each in on_record(aws, outputs, "restore") if each["run"] == story.run]
    name = outputs["AuroraClusterId"]
    replaced = name + restore["copy"].removeprefix(name).replace("-r", "-q")
    old = clusters(aws)[replaced]
    assert old["DbClusterResourceId"] == story.old["DbClusterResourceId"]
    login = aws.secret(outputs["DBSecretArn"])
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(
            host=old["Endpoint"],
            port=old["Port"],
            user=login["username"],
            password=login["password"],
            dbname="streamflix",
            sslmode="verify-full",
            sslrootcert=ca,
            connect_timeout=5,
        )
    restore["adopted_at"] -= WEEK_AND_A_DAY
    aws.client("dynamodb").update_item(
        TableName=outputs["IncidentsTableName"],
        Key={"kind": {"S": "restore"}, "at": {"S": story.run}},
        UpdateExpression="SET #record = :record",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues={":record": {"S": json.dumps(restore)}},
    )

    drill = f"drill-{uuid.uuid4()}"
    assert workflow.run(aws, outputs, drill, mode="drill", target="latest") == "SUCCEEDED"

    assert replaced not in clusters(aws)
