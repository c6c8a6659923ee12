"""What the RDS API and CloudFormation say of a cluster is what its servers do."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import uuid
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from botocore.exceptions import ClientError

from tests.eventually import eventually
from tests.integration.local.databases import running
from tests.integration.local.laptop import CLUSTER, MASTER_PASSWORD

if TYPE_CHECKING:
    from tests.integration.local.laptop import Laptop


def test_a_stack_s_cluster_is_reached_where_its_attributes_say(laptop: Laptop) -> None:
    described = laptop.described()
    stack = laptop.settled("hooks")
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    assert (outputs["Writer"], outputs["Reader"]) == ("127.0.0.1", "127.0.0.2")
    assert described["Endpoint"] == outputs["Writer"]
    assert described["ReaderEndpoint"] == outputs["Reader"]
    assert described["Port"] == int(outputs["Port"]) == laptop.port + 1
    assert laptop.ask("SELECT pg_is_in_recovery()") == [(False,)]
    assert laptop.ask("SELECT pg_is_in_recovery()", endpoint="ReaderEndpoint") == [(True,)]


def test_exactly_one_member_is_the_writer_and_the_others_stream_from_it(laptop: Laptop) -> None:
    members = {m["DBInstanceIdentifier"] for m in laptop.described()["DBClusterMembers"]}
    [writer] = laptop.writers()

    streaming = laptop.ask("SELECT application_name, sync_state FROM pg_stat_replication")

    assert members == {f"{CLUSTER}-a", f"{CLUSTER}-b", f"{CLUSTER}-c"}
    assert sorted(streaming) == [(name, "quorum") for name in sorted(members - {writer})]


def test_the_restorable_window_ends_a_few_seconds_ago_and_moves(laptop: Laptop) -> None:
    before = laptop.described()
    now = dt.datetime.now(dt.UTC)

    assert before["EarliestRestorableTime"] <= before["LatestRestorableTime"] <= now
    after = eventually(
        lambda: laptop.described()["LatestRestorableTime"],
        30,
        lambda latest: latest > before["LatestRestorableTime"],
    )
    assert dt.datetime.now(dt.UTC) - after < dt.timedelta(seconds=60)


def test_a_password_changed_through_the_api_replaces_the_old_one(laptop: Laptop) -> None:
    rds = laptop.client("rds")
    rds.modify_db_cluster(DBClusterIdentifier=CLUSTER, MasterUserPassword="the second of master")

    try:
        assert laptop.ask("SELECT 1", password="the second of master") == [(1,)]
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            laptop.ask("SELECT 1")
    finally:
        rds.modify_db_cluster(DBClusterIdentifier=CLUSTER, MasterUserPassword=MASTER_PASSWORD)
    assert laptop.ask("SELECT 1") == [(1,)]


def test_a_password_changed_in_the_template_replaces_the_old_one(laptop: Laptop) -> None:
    laptop.deploy(Cluster={"MasterUserPassword": "the third of the master"})

    assert laptop.ask("SELECT 1", password="the third of the master") == [(1,)]
    assert laptop.described()["Port"] == laptop.port + 1
    laptop.deploy()
    assert laptop.ask("SELECT 1") == [(1,)]


def test_a_member_added_through_the_api_streams_until_it_is_deleted(laptop: Laptop) -> None:
    rds, name = laptop.client("rds"), f"added-{uuid.uuid4().hex[:8]}"
    added = rds.create_db_instance(
        DBInstanceIdentifier=name,
        DBClusterIdentifier=CLUSTER,
        DBInstanceClass="db.r6g.large",
        Engine="aurora-postgresql",
    )["DBInstance"]
    query = f"SELECT sync_state FROM pg_stat_replication WHERE application_name = '{name}'"

    assert added["Endpoint"]["Address"] == "127.0.0.2"
    assert laptop.ask(query) == [("quorum",)]
    [(names,)] = laptop.ask("SHOW synchronous_standby_names")
    assert name in names

    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)

    assert laptop.ask(query) == []
    [(names,)] = laptop.ask("SHOW synchronous_standby_names")
    assert name not in names
    assert name not in {m["DBInstanceIdentifier"] for m in laptop.described()["DBClusterMembers"]}


def test_a_cluster_made_through_the_api_is_whole_and_goes_without_a_trace(laptop: Laptop) -> None:
    rds = laptop.client("rds")
    before = laptop.processes()
    made = rds.create_db_cluster(
        DBClusterIdentifier="second",
        Engine="aurora-postgresql",
        MasterUsername="somebody",
        MasterUserPassword="of the second cluster",
        DatabaseName="second",
    )["DBCluster"]
    connection = {
        "host": made["Endpoint"],
        "port": made["Port"],
        "dbname": "second",
        "user": "somebody",
        "password": "of the second cluster",
        "sslmode": "verify-full",
        "sslrootcert": laptop.ca,
    }
    with pytest.raises(psycopg2.OperationalError, match="no database server is available"):
        psycopg2.connect(**connection)
    member = {"DBInstanceIdentifier": "second-a", "Engine": "aurora-postgresql"}
    rds.create_db_instance(**member, DBClusterIdentifier="second", DBInstanceClass="db.r6g.large")
    added = {name: pid for name, pid in laptop.processes().items() if name not in before}

    assert (made["Endpoint"], made["Port"]) == ("127.0.0.1", laptop.port + 2)
    psycopg2.connect(**connection).close()
    assert len(added) == 1
    assert all(running(pid) for pid in added.values())

    with pytest.raises(ClientError, match="InvalidDBClusterStateFault"):
        rds.delete_db_cluster(DBClusterIdentifier="second", SkipFinalSnapshot=True)
    rds.delete_db_instance(DBInstanceIdentifier="second-a", SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier="second", SkipFinalSnapshot=True)

    assert laptop.processes() == before
    assert not [pid for pid in added.values() if running(pid)]
    assert not (laptop.root / ".local/hooks/state/second").exists()


def test_the_gateway_answers_while_servers_start(laptop: Laptop) -> None:
    rds = laptop.client("rds")
    making = threading.Thread(
        target=rds.create_db_cluster,
        kwargs={
            "DBClusterIdentifier": "meanwhile",
            "Engine": "aurora-postgresql",
            "MasterUsername": "somebody",
            "MasterUserPassword": "of the other cluster",
        },
    )
    making.start()
    answers = 0
    while making.is_alive():
        laptop.client("sts").get_caller_identity()
        answers += 1
    making.join()
    rds.delete_db_cluster(DBClusterIdentifier="meanwhile", SkipFinalSnapshot=True)

    assert answers > 10


def test_another_region_s_requests_leave_our_servers_alone(laptop: Laptop) -> None:
    elsewhere = laptop.client("rds", "eu-west-1")

    with pytest.raises(ClientError, match="DBClusterNotFound"):
        elsewhere.delete_db_cluster(DBClusterIdentifier=CLUSTER, SkipFinalSnapshot=True)

    assert elsewhere.describe_db_clusters()["DBClusters"] == []
    assert laptop.ask("SELECT 1") == [(1,)]


def test_a_failover_promotes_the_member_that_was_asked_for(laptop: Laptop) -> None:
    [old] = laptop.writers()
    target = next(
        m["DBInstanceIdentifier"]
        for m in laptop.described()["DBClusterMembers"]
        if not m["IsClusterWriter"]
    )
    laptop.client("rds").failover_db_cluster(
        DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=target
    )

    assert laptop.writers() == [target]
    assert laptop.ask("SELECT pg_is_in_recovery()") == [(False,)]
    streaming = laptop.ask("SELECT application_name FROM pg_stat_replication")
    assert (old,) in streaming
    assert (target,) not in streaming


def test_a_member_that_is_being_made_while_the_writer_changes_follows_the_new_one(
    laptop: Laptop,
) -> None:
    rds, name = laptop.client("rds"), f"{CLUSTER}-late"
    before = laptop.writers()
    making = threading.Thread(
        target=rds.create_db_instance,
        kwargs={
            "DBInstanceIdentifier": name,
            "DBClusterIdentifier": CLUSTER,
            "DBInstanceClass": "db.r6g.large",
            "Engine": "aurora-postgresql",
        },
    )
    making.start()
    try:
        eventually(lambda: _status(rds, name), 5, "creating".__eq__)
        laptop.client("rds").failover_db_cluster(DBClusterIdentifier=CLUSTER)
        making.join()

        assert laptop.writers() != before
        assert _status(rds, name) == "available"
        assert (name,) in laptop.ask("SELECT application_name FROM pg_stat_replication")
    finally:
        rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def _status(rds: Any, name: str) -> str:
    with contextlib.suppress(rds.exceptions.DBInstanceNotFoundFault):
        [found] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        return str(found["DBInstanceStatus"])
    return ""
