"""A name leads to whoever has it now: the cutover of a restore swaps two clusters' names."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from botocore.exceptions import ClientError

from tests.integration.local.laptop import MASTER_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.local.laptop import Laptop


def made(laptop: Laptop, name: str, members: str) -> dict[str, Any]:
    laptop.client("rds").create_db_cluster(
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        MasterUsername="master",
        MasterUserPassword=MASTER_PASSWORD,
        DatabaseName="streamflix",
        Tags=[{"Key": "Born", "Value": name}],
    )
    for each in members:
        laptop.add_member(name, f"{name}-{each}")
    laptop.ask(f"CREATE TABLE whose AS SELECT '{name}' AS name", cluster=name)
    return laptop.described(name)


@pytest.fixture
def names(laptop: Laptop) -> Iterator[list[str]]:
    """A cluster of two members and one of one, whatever they are called at last."""
    names = [f"swap-{uuid.uuid4().hex[:6]}{end}" for end in ("", "-r1")]
    identities = {
        made(laptop, name, members)["DbClusterResourceId"]
        for name, members in zip(names, ("ab", "a"), strict=True)
    }
    yield names
    for each in laptop.client("rds").describe_db_clusters()["DBClusters"]:
        if each["DbClusterResourceId"] in identities:
            laptop.remove(each["DBClusterIdentifier"])


def renamed(laptop: Laptop, old: str, new: str) -> dict[str, Any]:
    answer = laptop.client("rds").modify_db_cluster(
        DBClusterIdentifier=old, NewDBClusterIdentifier=new, ApplyImmediately=True
    )
    return dict(answer["DBCluster"])


def whose(laptop: Laptop, host: str, port: int) -> str:
    with contextlib.closing(laptop.connect(host, port)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT name FROM whose")
        [(name,)] = cursor.fetchall()
        return str(name)


def test_after_a_swap_the_old_address_leads_to_the_new_servers(
    laptop: Laptop, names: list[str]
) -> None:
    name, copy = names
    before = laptop.described(name)
    client = laptop.connect(before["Endpoint"], before["Port"])
    former = laptop.described(copy)

    away = renamed(laptop, name, f"{name}-q1")
    with pytest.raises(psycopg2.OperationalError, match="no database server is available"):
        laptop.connect(before["Endpoint"], before["Port"])
    with pytest.raises(psycopg2.OperationalError):
        client.cursor().execute("SELECT 1")
    now = renamed(laptop, copy, name)

    for host in (before["Endpoint"], before["ReaderEndpoint"]):
        assert whose(laptop, host, before["Port"]) == copy
    assert whose(laptop, away["Endpoint"], away["Port"]) == name
    assert now["Port"] == before["Port"]
    assert now["DbClusterResourceId"] == former["DbClusterResourceId"]
    assert now["DBClusterArn"] == before["DBClusterArn"]
    assert now["TagList"] == [{"Key": "Born", "Value": copy}]
    assert away["DbClusterResourceId"] == before["DbClusterResourceId"]
    assert away["DBClusterArn"] == f"{before['DBClusterArn']}-q1"
    assert len(away["DBClusterMembers"]) == 2
    rds = laptop.client("rds")
    tags = rds.list_tags_for_resource(ResourceName=away["DBClusterArn"])["TagList"]
    assert tags == [{"Key": "Born", "Value": name}]
    instance = rds.describe_db_instances(DBInstanceIdentifier=f"{name}-a")["DBInstances"][0]
    assert instance["DBClusterIdentifier"] == f"{name}-q1"
    with pytest.raises(ClientError, match="DBClusterNotFound"):
        laptop.described(copy)


def test_a_cluster_may_get_the_first_name_of_one_that_was_renamed(
    laptop: Laptop, names: list[str]
) -> None:
    """Their files do not meet."""
    name, copy = names
    renamed(laptop, name, f"{name}-q1")
    again = made(laptop, name, "z")

    assert whose(laptop, again["Endpoint"], again["Port"]) == name
    laptop.remove(name)
    kept = laptop.described(f"{name}-q1")
    assert whose(laptop, kept["Endpoint"], kept["Port"]) == name
    assert laptop.ask("SELECT name FROM whose", cluster=copy) == [(copy,)]


def test_renamed_members_stream_and_fail_over_under_their_new_names(
    laptop: Laptop, names: list[str]
) -> None:
    name, rds = names[0], laptop.client("rds")
    identities = {
        each: rds.describe_db_instances(DBInstanceIdentifier=f"{name}-{each}")["DBInstances"][0]
        for each in "ab"
    }
    for each in "ab":
        answer = rds.modify_db_instance(
            DBInstanceIdentifier=f"{name}-{each}",
            NewDBInstanceIdentifier=f"{name}-old-{each}",
            ApplyImmediately=True,
        )["DBInstance"]
        assert answer["DbiResourceId"] == identities[each]["DbiResourceId"]
        assert answer["DBInstanceArn"].endswith(f":db:{name}-old-{each}")
    query = "SELECT application_name, sync_state FROM pg_stat_replication"
    assert laptop.ask(query, cluster=name) == [(f"{name}-old-b", "quorum")]

    rds.failover_db_cluster(DBClusterIdentifier=name, TargetDBInstanceIdentifier=f"{name}-old-b")

    members = laptop.described(name)["DBClusterMembers"]
    assert {m["DBInstanceIdentifier"]: m["IsClusterWriter"] for m in members} == {
        f"{name}-old-a": False,
        f"{name}-old-b": True,
    }
    assert laptop.ask(query, cluster=name) == [(f"{name}-old-a", "quorum")]


def test_a_name_that_is_taken_is_refused(laptop: Laptop, names: list[str]) -> None:
    rds = laptop.client("rds")
    with pytest.raises(ClientError, match="DBClusterAlreadyExistsFault"):
        renamed(laptop, *names)
    with pytest.raises(ClientError, match="DBInstanceAlreadyExists"):
        rds.modify_db_instance(
            DBInstanceIdentifier=f"{names[0]}-a",
            NewDBInstanceIdentifier=f"{names[0]}-b",
            ApplyImmediately=True,
        )
    with pytest.raises(ClientError, match="InvalidParameterCombination"):
        rds.modify_db_cluster(DBClusterIdentifier=names[0], NewDBClusterIdentifier="at-the-window")

    for name in names:
        assert laptop.ask("SELECT name FROM whose", cluster=name) == [(name,)]
