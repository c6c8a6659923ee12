"""A cluster restored to a point in time holds what was committed then, and nothing else."""

from __future__ import annotations

import datetime as dt
import os
import signal
import uuid
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from botocore.exceptions import ClientError

from tests.eventually import eventually
from tests.integration.local.databases import running
from tests.integration.local.laptop import CLUSTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.local.laptop import Laptop

    Restore = Callable[..., str]

SETTLED = {"Delay": 1, "MaxAttempts": 30}


@pytest.fixture
def table(laptop: Laptop) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:8]}"
    laptop.ask(f"CREATE TABLE {name} (n int)")
    yield name
    laptop.ask(f"DROP TABLE IF EXISTS {name}")


@pytest.fixture
def restore(laptop: Laptop) -> Iterator[Restore]:
    """Restores the stack's cluster, or another; lets clients in, and ends it all at last."""
    rds, made = laptop.client("rds"), []

    def run(source: str = CLUSTER, **arguments: Any) -> str:
        name = f"restored-{uuid.uuid4().hex[:8]}"
        rds.restore_db_cluster_to_point_in_time(
            SourceDBClusterIdentifier=source, DBClusterIdentifier=name, **arguments
        )
        made.append(name)
        rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier=name, WaiterConfig=SETTLED)
        laptop.add_member(name, f"{name}-a")
        return name

    yield run
    for name in made:
        laptop.remove(name)


def now_of(laptop: Laptop) -> dt.datetime:
    [(moment,)] = laptop.ask("SELECT clock_timestamp()")
    assert isinstance(moment, dt.datetime)
    return moment


def restorable(laptop: Laptop, moment: dt.datetime) -> None:
    eventually(lambda: laptop.described()["LatestRestorableTime"], 30, lambda at: at >= moment)


def test_a_time_between_two_commits_shows_the_first_and_not_the_second(
    laptop: Laptop, table: str, restore: Restore
) -> None:
    laptop.ask(f"INSERT INTO {table} VALUES (1)")
    moment = now_of(laptop)
    laptop.ask(f"INSERT INTO {table} VALUES (2)")
    restorable(laptop, moment)

    name = restore(RestoreToTime=moment)

    assert laptop.ask(f"SELECT n FROM {table}", cluster=name) == [(1,)]
    assert laptop.ask(f"SELECT n FROM {table} ORDER BY n") == [(1,), (2,)]


def test_a_time_after_the_last_commit_shows_it(
    laptop: Laptop, table: str, restore: Restore
) -> None:
    laptop.ask(f"INSERT INTO {table} VALUES (1)")
    moment = now_of(laptop)
    restorable(laptop, moment)

    name = restore(RestoreToTime=moment)

    assert laptop.ask(f"SELECT n FROM {table}", cluster=name) == [(1,)]


def test_the_latest_time_shows_all_and_the_copy_leads_a_life_of_its_own(
    laptop: Laptop, table: str, restore: Restore
) -> None:
    laptop.ask(f"INSERT INTO {table} VALUES (1), (2)")

    name = restore(UseLatestRestorableTime=True)

    laptop.ask(f"INSERT INTO {table} VALUES (3)", cluster=name)
    assert laptop.ask(f"SELECT count(*) FROM {table}", cluster=name) == [(3,)]
    assert laptop.ask(f"SELECT count(*) FROM {table}") == [(2,)]
    assert laptop.ask("SELECT timeline_id > 1 FROM pg_control_checkpoint()", cluster=name)
    copy = laptop.described(name)
    assert copy["EarliestRestorableTime"] > copy["ClusterCreateTime"]
    assert copy["DbClusterResourceId"] != laptop.described()["DbClusterResourceId"]
    assert copy["Port"] != laptop.described()["Port"]


def test_a_table_dropped_since_is_there_in_the_copy(
    laptop: Laptop, table: str, restore: Restore
) -> None:
    laptop.ask(f"INSERT INTO {table} VALUES (1)")
    moment = now_of(laptop)
    laptop.ask(f"DROP TABLE {table}")
    restorable(laptop, moment)

    name = restore(RestoreToTime=moment)

    assert laptop.ask(f"SELECT n FROM {table}", cluster=name) == [(1,)]


def test_a_copy_streams_to_a_second_member_fails_over_and_can_be_restored_itself(
    laptop: Laptop, table: str, restore: Restore
) -> None:
    name = restore(UseLatestRestorableTime=True)
    laptop.add_member(name, f"{name}-b")
    query = "SELECT application_name, sync_state FROM pg_stat_replication"
    assert laptop.ask(query, cluster=name) == [(f"{name}-b", "quorum")]

    laptop.client("rds").failover_db_cluster(
        DBClusterIdentifier=name, TargetDBInstanceIdentifier=f"{name}-b"
    )
    laptop.ask(f"INSERT INTO {table} VALUES (7)", cluster=name)
    again = restore(name, UseLatestRestorableTime=True)

    assert laptop.ask(f"SELECT n FROM {table}", cluster=again) == [(7,)]


def test_what_a_killed_writer_had_not_archived_is_archived_by_its_readers(
    laptop: Laptop, table: str, restore: Restore
) -> None:
    name = restore(UseLatestRestorableTime=True)
    for each in "bc":
        laptop.add_member(name, f"{name}-{each}")
    [(process, archiver)] = laptop.ask(
        "SELECT current_setting('cluster_name'), pid FROM pg_stat_activity"
        " WHERE backend_type = 'archiver'",
        cluster=name,
    )
    os.kill(archiver, signal.SIGSTOP)
    rows = "SELECT n FROM generate_series(1, 100000) AS n"
    laptop.ask(f"INSERT INTO {table} {rows}", cluster=name)
    os.kill(laptop.processes()[process], signal.SIGKILL)
    os.kill(archiver, signal.SIGKILL)
    eventually(lambda: counted(laptop, table, name), 20, lambda seen: seen == [(100000,)])

    again = restore(name, UseLatestRestorableTime=True)

    assert laptop.ask(f"SELECT count(*) FROM {table}", cluster=again) == [(100000,)]


def counted(laptop: Laptop, table: str, cluster: str) -> object:
    try:
        return laptop.ask(f"SELECT count(*) FROM {table}", cluster=cluster)
    except psycopg2.OperationalError as error:
        return error


def test_a_cluster_that_is_broken_can_be_restored_from_its_archive(
    laptop: Laptop, table: str, restore: Restore
) -> None:
    """Its server is killed, and has lost what it would start from."""
    name = restore(UseLatestRestorableTime=True)
    laptop.ask(f"INSERT INTO {table} VALUES (1)", cluster=name)
    inserted = now_of(laptop)
    eventually(
        lambda: laptop.described(name)["LatestRestorableTime"], 30, lambda at: at >= inserted
    )
    [(process, pid)] = [each for each in laptop.processes().items() if each[0].startswith(name)]
    volume = laptop.root / ".local/hooks/state" / name / process.rpartition("-")[2]
    (volume / "global").rename(volume / "lost")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not running(pid), 10)

    again = restore(name, RestoreToTime=inserted)

    assert laptop.ask(f"SELECT n FROM {table}", cluster=again) == [(1,)]
    with pytest.raises(psycopg2.OperationalError):
        laptop.ask("SELECT 1", cluster=name)


def test_what_the_call_does_not_name_is_the_default_and_not_the_source_s(
    laptop: Laptop, restore: Restore
) -> None:
    laptop.deploy(
        Cluster={
            "Tags": [{"Key": "Owner", "Value": "hooks"}],
            "DeletionProtection": True,
            "EnableCloudwatchLogsExports": ["postgresql"],
            "EnableIAMDatabaseAuthentication": True,
            "VpcSecurityGroupIds": ["sg-0123456789abcdef1"],
        }
    )
    plain = laptop.described(restore(UseLatestRestorableTime=True))
    wanted = {
        "VpcSecurityGroupIds": ["sg-0123456789abcdef1"],
        "EnableCloudwatchLogsExports": ["postgresql"],
        "EnableIAMDatabaseAuthentication": True,
        "CopyTagsToSnapshot": True,
        "Tags": [{"Key": "Owner", "Value": "somebody"}],
        "KmsKeyId": "arn:aws:kms:eu-central-1:000000000000:key/of-the-copy",
        "ServerlessV2ScalingConfiguration": {"MinCapacity": 1.0, "MaxCapacity": 4.0},
    }
    named = laptop.described(restore(UseLatestRestorableTime=True, **wanted))
    laptop.deploy()

    assert not plain["DeletionProtection"]
    assert not plain["IAMDatabaseAuthenticationEnabled"]
    assert plain["TagList"] == plain["EnabledCloudwatchLogsExports"] == []
    assert plain["DBClusterParameterGroup"] == "default.aurora-postgresql16"
    assert [g["VpcSecurityGroupId"] for g in plain["VpcSecurityGroups"]] == ["sg-00000001"]
    assert [g["VpcSecurityGroupId"] for g in named["VpcSecurityGroups"]] == ["sg-0123456789abcdef1"]
    assert named["IAMDatabaseAuthenticationEnabled"]
    assert named["CopyTagsToSnapshot"]
    assert named["EnabledCloudwatchLogsExports"] == ["postgresql"]
    for key in ("KmsKeyId", "ServerlessV2ScalingConfiguration"):
        assert named[key] == wanted[key]
    assert named["TagList"] == wanted["Tags"]


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("InvalidRestoreFault", {"RestoreToTime": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}),
        ("InvalidRestoreFault", {"RestoreToTime": dt.datetime(2120, 1, 1, tzinfo=dt.UTC)}),
        ("InvalidParameterCombination", {}),
        (
            "InvalidParameterCombination",
            {
                "RestoreToTime": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
                "UseLatestRestorableTime": True,
            },
        ),
        (
            "DBClusterNotFoundFault",
            {"SourceDBClusterIdentifier": "nobody", "UseLatestRestorableTime": True},
        ),
        (
            "DBClusterAlreadyExistsFault",
            {"DBClusterIdentifier": CLUSTER, "UseLatestRestorableTime": True},
        ),
    ],
)
def test_what_cannot_be_restored_is_refused(
    laptop: Laptop, code: str, arguments: dict[str, Any]
) -> None:
    wanted = {"SourceDBClusterIdentifier": CLUSTER, "DBClusterIdentifier": "refused"} | arguments

    with pytest.raises(ClientError) as refusal:
        laptop.client("rds").restore_db_cluster_to_point_in_time(**wanted)

    assert refusal.value.response["Error"]["Code"] == code
    clusters = laptop.client("rds").describe_db_clusters()["DBClusters"]
    assert "refused" not in {each["DBClusterIdentifier"] for each in clusters}


def test_nobody_gets_in_before_the_first_instance_and_nothing_stays_behind(
    laptop: Laptop,
) -> None:
    rds, before = laptop.client("rds"), laptop.processes()
    identity = laptop.described()["DbClusterResourceId"]
    made = rds.restore_db_cluster_to_point_in_time(
        SourceDbClusterResourceId=identity,
        DBClusterIdentifier="Empty",
        UseLatestRestorableTime=True,
        DeletionProtection=True,
    )["DBCluster"]
    assert (made["DBClusterIdentifier"], made["Status"]) == ("empty", "creating")
    rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier="empty", WaiterConfig=SETTLED)
    added = {pid for name, pid in laptop.processes().items() if name not in before}

    assert laptop.described("empty")["DBClusterMembers"] == []
    with pytest.raises(psycopg2.OperationalError, match="no database server is available"):
        laptop.connect(made["Endpoint"], made["Port"])
    with pytest.raises(ClientError, match="InvalidParameterCombination"):
        rds.delete_db_cluster(DBClusterIdentifier="empty", SkipFinalSnapshot=True)

    rds.modify_db_cluster(DBClusterIdentifier="empty", DeletionProtection=False)
    rds.delete_db_cluster(DBClusterIdentifier="empty", SkipFinalSnapshot=True)

    assert len(added) == 1
    assert laptop.processes() == before
    assert not [pid for pid in added if running(pid)]
    assert not (laptop.root / ".local/hooks/state/empty").exists()
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        laptop.connect(made["Endpoint"], made["Port"])


def test_an_instance_that_is_wanted_at_once_waits_for_the_volume(
    laptop: Laptop, table: str
) -> None:
    laptop.ask(f"INSERT INTO {table} VALUES (1)")
    laptop.client("rds").restore_db_cluster_to_point_in_time(
        SourceDBClusterIdentifier=CLUSTER,
        DBClusterIdentifier="at-once",
        UseLatestRestorableTime=True,
    )

    laptop.add_member("at-once", "at-once-a")

    assert laptop.ask(f"SELECT n FROM {table}", cluster="at-once") == [(1,)]
    assert laptop.described("at-once")["Status"] == "available"
    laptop.remove("at-once")


def test_the_master_s_old_password_is_in_the_copy_until_it_is_set(
    laptop: Laptop, restore: Restore
) -> None:
    name = restore(UseLatestRestorableTime=True)
    assert laptop.ask("SELECT 1", cluster=name) == [(1,)]

    laptop.client("rds").modify_db_cluster(
        DBClusterIdentifier=name, MasterUserPassword="the first of the copy"
    )

    assert laptop.ask("SELECT 1", "the first of the copy", cluster=name) == [(1,)]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        laptop.ask("SELECT 1", cluster=name)
