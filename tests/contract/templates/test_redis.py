"""Redis: a cluster that survives a zone, users that can do what they need, nothing else."""

from __future__ import annotations

from local.redis_parameters import PARAMETERS
from tests.contract.templates import deployed, wires

GROUP = "AWS::ElastiCache::ReplicationGroup"
USER = "AWS::ElastiCache::User"


def group(environment: str) -> tuple[wires.Tree, wires.Resource]:
    tree = deployed.platform(environment)
    (found,) = tree.resources(GROUP)
    return tree, found


def test_cluster_mode_is_on_wherever_it_must_be_said() -> None:
    tree, found = group("prod")
    (parameters,) = tree.made(found.stack, found.properties["CacheParameterGroupName"])

    assert found.properties["ClusterMode"] == "enabled"
    assert parameters.properties["Properties"] == PARAMETERS  # the laptop's servers, too
    assert PARAMETERS["cluster-enabled"] == "yes"
    assert parameters.properties["CacheParameterGroupFamily"] == "redis7"
    assert found.properties["AutomaticFailoverEnabled"] is True
    assert found.body["UpdatePolicy"] == {"UseOnlineResharding": True}


def test_production_survives_a_zone_in_every_shard() -> None:
    given = deployed.profile("prod")
    tree, found = group("prod")

    assert int(given["RedisShards"]) >= 3
    assert int(given["RedisReplicasPerShard"]) >= 2
    multi_zone = deployed.text(tree, found.stack, found.properties["MultiAZEnabled"])
    assert str(multi_zone) == "True"


def test_a_shard_without_replicas_is_not_asked_to_stand_in_several_zones() -> None:
    """ElastiCache refuses that."""
    tree, found = group("dev")
    multi_zone = deployed.text(tree, found.stack, found.properties["MultiAZEnabled"])

    assert deployed.profile("dev")["RedisReplicasPerShard"] == "0"
    assert str(multi_zone) == "False"


def test_its_address_is_the_configuration_endpoint_because_there_is_no_other() -> None:
    tree = deployed.platform()
    for reader in ("Analytics", "Service"):
        (origin,) = tree.origins(reader, {"Ref": "RedisEndpoint"})
        assert origin == wires.Made("Cache", "ReplicationGroup", "ConfigurationEndPoint.Address")


def test_people_log_in_as_users_never_with_one_shared_token() -> None:
    tree, found = group("prod")
    (users,) = tree.made(found.stack, found.properties["UserGroupIds"])
    members = tree.made(users.stack, users.properties["UserIds"])

    assert "AuthToken" not in found.properties
    assert set(members) == set(tree.resources(USER))
    assert len(members) == 3


def test_the_user_named_default_exists_and_can_do_nothing() -> None:
    (default,) = [
        it for it in deployed.platform().resources(USER) if it.properties["UserName"] == "default"
    ]

    assert default.properties["AccessString"] == "off -@all"
    assert default.properties["UserId"] != "default"


def test_a_user_says_what_it_may_do_and_is_never_an_administrator() -> None:
    for user in deployed.platform().resources(USER):
        words = user.properties["AccessString"].split()
        assert "-@all" in words, user
        assert not {"+@all", "allcommands", "~*", "allkeys", "+@admin", "+@dangerous"} & set(words)
        assert str(user.properties["UserId"]).islower() or "Fn::Sub" in user.properties["UserId"]


def test_when_memory_ends_the_soonest_to_expire_goes_first() -> None:
    tree, found = group("prod")
    (parameters,) = tree.made(found.stack, found.properties["CacheParameterGroupName"])

    assert parameters.properties["Properties"]["maxmemory-policy"] == "volatile-ttl"
    assert found.properties["SnapshotRetentionLimit"] >= 1
