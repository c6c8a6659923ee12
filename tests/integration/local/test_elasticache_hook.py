"""What the ElastiCache API and CloudFormation say of groups and users holds on every node."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
import redis
from redis.cluster import RedisCluster

from tests.integration.local.databases import running
from tests.integration.local.laptop import GROUP, OPS_PASSWORD

if TYPE_CHECKING:
    from tests.integration.local.laptop import Laptop


def accepts(laptop: Laptop, password: str, user: str = "ops") -> set[bool]:
    """Whether the nodes accept this login: one answer if they agree."""
    return {_accepts(laptop.redis(password, user, node)) for node in range(3)}


def _accepts(client: redis.Redis) -> bool:
    with contextlib.closing(client):
        try:
            return bool(client.ping())
        except redis.AuthenticationError:
            return False


def change(laptop: Laptop, **changes: Any) -> dict[str, Any]:
    return dict(laptop.client("elasticache").modify_user(UserId="ops-hooks", **changes))


def test_a_stack_s_group_is_reached_where_its_attributes_say(laptop: Laptop) -> None:
    stack = laptop.settled("hooks")
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    assert (outputs["RedisHost"], outputs["RedisPort"]) == ("127.0.0.1", str(laptop.port + 10))
    with contextlib.closing(
        RedisCluster(
            host=outputs["RedisHost"],
            port=int(outputs["RedisPort"]),
            username="ops",
            password=OPS_PASSWORD,
            ssl=True,
            ssl_ca_certs=laptop.ca,
        )
    ) as cluster:
        for n in range(20):
            cluster.set(f"live:{n}", n, ex=60)
        assert [int(cluster.get(f"live:{n}") or -1) for n in range(20)] == list(range(20))


def test_the_group_s_shards_are_the_nodes(laptop: Laptop) -> None:
    groups = laptop.client("elasticache").describe_replication_groups(ReplicationGroupId=GROUP)
    shards = groups["ReplicationGroups"][0]["NodeGroups"]

    assert [shard["PrimaryEndpoint"]["Port"] for shard in shards] == [
        laptop.port + 10,
        laptop.port + 11,
        laptop.port + 12,
    ]


def test_the_default_user_is_off_and_a_user_may_do_what_its_access_string_says(
    laptop: Laptop,
) -> None:
    assert accepts(laptop, "", "default") == {False}
    with contextlib.closing(laptop.redis(OPS_PASSWORD)) as node:
        for refused in ("GET elsewhere", "CONFIG GET save", "CLUSTER RESET"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                node.execute_command(*refused.split())


def test_two_passwords_hold_during_a_change_and_one_after(laptop: Laptop) -> None:
    second = "the second of ops"
    try:
        change(laptop, AuthenticationMode={"Type": "password", "Passwords": [OPS_PASSWORD, second]})
        assert accepts(laptop, OPS_PASSWORD) == accepts(laptop, second) == {True}

        answer = change(laptop, Passwords=[second])
        assert (accepts(laptop, OPS_PASSWORD), accepts(laptop, second)) == ({False}, {True})
    finally:
        change(laptop, Passwords=[OPS_PASSWORD])
    described = laptop.client("elasticache").describe_users(UserId="ops-hooks")["Users"][0]
    assert answer["UserId"] == "ops-hooks"
    assert described["Authentication"] == {"Type": "password", "PasswordCount": 1}


def test_a_new_access_string_keeps_the_password(laptop: Laptop) -> None:
    before = laptop.client("elasticache").describe_users(UserId="ops-hooks")["Users"][0]
    try:
        change(laptop, AccessString="on ~other:* -@all +@read +@connection")
        with (
            contextlib.closing(laptop.redis(OPS_PASSWORD)) as node,
            pytest.raises(redis.exceptions.NoPermissionError),
        ):
            node.get("live:1")
    finally:
        change(laptop, AccessString=before["AccessString"])
    assert accepts(laptop, OPS_PASSWORD) == {True}


def test_a_password_changed_in_the_template_replaces_the_old_one(laptop: Laptop) -> None:
    mode = {"Type": "password", "Passwords": ["from the template"]}
    laptop.deploy(OpsUser={"AuthenticationMode": mode})

    assert accepts(laptop, "from the template") == {True}
    assert accepts(laptop, OPS_PASSWORD) == {False}
    laptop.deploy()
    assert accepts(laptop, OPS_PASSWORD) == {True}


def test_a_user_gets_in_while_its_group_holds_it(laptop: Laptop) -> None:
    elasticache = laptop.client("elasticache")
    elasticache.create_user(
        UserId="guest-hooks",
        UserName="guest",
        Engine="redis",
        AccessString="on ~* +@connection",
        Passwords=["a guest's password"],
    )
    answers = [accepts(laptop, "a guest's password", "guest")]
    elasticache.modify_user_group(UserGroupId="users-hooks", UserIdsToAdd=["guest-hooks"])
    answers.append(accepts(laptop, "a guest's password", "guest"))
    elasticache.modify_user_group(UserGroupId="users-hooks", UserIdsToRemove=["guest-hooks"])
    answers.append(accepts(laptop, "a guest's password", "guest"))
    elasticache.delete_user(UserId="guest-hooks")

    assert answers == [{False}, {True}, {False}]


def test_another_region_s_users_are_not_ours(laptop: Laptop) -> None:
    laptop.client("elasticache", "eu-west-1").create_user(
        UserId="elsewhere",
        UserName="elsewhere",
        Engine="redis",
        AccessString="on ~* +@all",
        Passwords=["somewhere else"],
    )

    assert accepts(laptop, "somewhere else", "elsewhere") == {False}
    assert accepts(laptop, OPS_PASSWORD) == {True}


def test_a_deleted_group_s_processes_end(laptop: Laptop) -> None:
    elasticache = laptop.client("elasticache")
    before = laptop.processes()
    made = elasticache.create_replication_group(
        ReplicationGroupId="another",
        ReplicationGroupDescription="for a moment",
        Engine="redis",
        NumNodeGroups=3,
        TransitEncryptionEnabled=True,
    )["ReplicationGroup"]
    added = {name: pid for name, pid in laptop.processes().items() if name not in before}

    assert made["ConfigurationEndpoint"]["Port"] == laptop.port + 13
    assert len(added) == 3
    assert all(running(pid) for pid in added.values())

    elasticache.delete_replication_group(ReplicationGroupId="another")

    assert laptop.processes() == before
    assert not [pid for pid in added.values() if running(pid)]
