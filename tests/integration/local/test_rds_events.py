"""What happens to a cluster is told on the default bus, whoever made it happen."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.eventually import eventually
from tests.integration.local.databases import freeze
from tests.integration.local.laptop import CLUSTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.local.laptop import Laptop

    Told = Callable[[], list[dict[str, Any]]]

ARN = "arn:aws:rds:eu-central-1:000000000000"


@pytest.fixture
def told(laptop: Laptop) -> Iterator[Told]:
    """Every event of RDS that a rule's queue has got so far, in its order."""
    name = f"rds-events-{uuid.uuid4().hex[:8]}"
    sqs, events = laptop.client("sqs"), laptop.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.rds"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}])
    seen: list[dict[str, Any]] = []

    def look() -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            seen.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return sorted(seen, key=lambda event: event["detail"]["Date"])

    yield look
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)
    sqs.delete_queue(QueueUrl=url)


def summary(events: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    details = [each["detail"] for each in events]
    return [(each["EventID"], each["SourceIdentifier"], each["Message"]) for each in details]


def whole(laptop: Laptop) -> None:
    query = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
    eventually(lambda: laptop.ask(query), 20, lambda seen: seen == [(2,)])


def process_of(laptop: Laptop, endpoint: str) -> int:
    [(name,)] = laptop.ask("SHOW cluster_name", endpoint=endpoint)
    return laptop.processes()[name]


def test_a_failover_that_was_asked_for_starts_completes_and_brings_the_old_writer_back(
    laptop: Laptop, told: Told
) -> None:
    whole(laptop)
    began = dt.datetime.now(dt.UTC)
    [old] = laptop.writers()
    members = [m["DBInstanceIdentifier"] for m in laptop.described()["DBClusterMembers"]]
    new = next(each for each in members if each != old)

    laptop.client("rds").failover_db_cluster(
        DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=new
    )

    events = eventually(told, 10, lambda seen: len(seen) == 3)
    assert summary(events) == [
        ("RDS-EVENT-0072", CLUSTER, f"Started same AZ failover to DB instance: {new}"),
        ("RDS-EVENT-0071", CLUSTER, f"Completed failover to DB instance: {new}"),
        ("RDS-EVENT-0006", old, "DB instance restarted"),
    ]
    first, _, last = events
    assert first["detail-type"] == "RDS DB Cluster Event"
    assert (first["account"], first["region"]) == ("000000000000", "eu-central-1")
    assert first["resources"] == [f"{ARN}:cluster:{CLUSTER}"]
    assert first["detail"]["SourceArn"] == f"{ARN}:cluster:{CLUSTER}"
    assert first["detail"]["SourceType"] == "CLUSTER"
    assert first["detail"]["EventCategories"] == ["failover"]
    assert began <= dt.datetime.fromisoformat(first["detail"]["Date"]) + dt.timedelta(seconds=1)
    assert last["detail-type"] == "RDS DB Instance Event"
    assert last["detail"]["SourceType"] == "DB_INSTANCE"
    assert last["detail"]["SourceArn"] == f"{ARN}:db:{old}"
    assert last["detail"]["EventCategories"] == ["availability"]


def kill(server: int) -> None:
    os.kill(server, signal.SIGKILL)


@pytest.mark.parametrize("end", [kill, freeze])
def test_a_writer_that_dies_or_hangs_is_told_of_by_the_watch(
    laptop: Laptop, told: Told, end: Callable[[int], object]
) -> None:
    whole(laptop)
    [old] = laptop.writers()
    end(process_of(laptop, "Endpoint"))

    events = eventually(told, 15, lambda seen: len(seen) == 3)

    [new] = laptop.writers()
    assert new != old
    assert summary(events) == [
        ("RDS-EVENT-0072", CLUSTER, f"Started same AZ failover to DB instance: {new}"),
        ("RDS-EVENT-0071", CLUSTER, f"Completed failover to DB instance: {new}"),
        ("RDS-EVENT-0006", old, "DB instance restarted"),
    ]
    listed = laptop.client("rds").describe_events(
        SourceIdentifier=CLUSTER, SourceType="db-cluster"
    )["Events"]
    assert [each["Message"] for each in listed[-2:]] == [
        f"Started same AZ failover to DB instance: {new}",
        f"Completed failover to DB instance: {new}",
    ]


def test_a_reader_that_dies_restarts_and_nothing_fails_over(laptop: Laptop, told: Told) -> None:
    whole(laptop)
    os.kill(process_of(laptop, "ReaderEndpoint"), signal.SIGKILL)

    [event] = eventually(told, 15)

    assert event["detail"]["EventID"] == "RDS-EVENT-0006"
    assert event["detail"]["SourceIdentifier"] not in laptop.writers()
    whole(laptop)
    assert len(told()) == 1


def test_members_in_two_zones_fail_over_across_them(laptop: Laptop, told: Told) -> None:
    rds, name = laptop.client("rds"), f"zones-{uuid.uuid4().hex[:6]}"
    rds.create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        MasterUsername="master",
        MasterUserPassword="of the zones",
        Tags=[{"Key": "Owner", "Value": "hooks"}],
    )
    for zone in "ab":
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-{zone}",
            DBClusterIdentifier=name,
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            AvailabilityZone=f"eu-central-1{zone}",
        )
    rds.failover_db_cluster(DBClusterIdentifier=name)

    first, second, _ = eventually(told, 10, lambda seen: len(seen) == 3)
    laptop.remove(name)

    assert summary([first, second]) == [
        ("RDS-EVENT-0073", name, f"Started cross AZ failover to DB instance: {name}-b"),
        ("RDS-EVENT-0071", name, f"Completed failover to DB instance: {name}-b"),
    ]
    assert first["detail"]["Tags"] == {"Owner": "hooks"}
