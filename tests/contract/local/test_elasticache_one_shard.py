"""A developer's group, one shard and no replicas in cluster mode, is a cluster like any other."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from redis.cluster import RedisCluster

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

PASSWORD = "the only one of ops"


def elasticache(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::ElastiCache::{kind}", "Properties": {"Engine": "redis"} | properties}


RESOURCES = {
    "DefaultUser": elasticache(
        "User",
        UserId="default-one",
        UserName="default",
        AccessString="off -@all",
        AuthenticationMode={"Type": "no-password-required"},
    ),
    "OpsUser": elasticache(
        "User",
        UserId="ops-one",
        UserName="ops",
        AccessString="on ~* -@all +@read +@write +@connection +cluster",
        AuthenticationMode={"Type": "password", "Passwords": [PASSWORD]},
    ),
    "Users": elasticache(
        "UserGroup", UserGroupId="one", UserIds=[{"Ref": "DefaultUser"}, {"Ref": "OpsUser"}]
    ),
    "Group": elasticache(
        "ReplicationGroup",
        ReplicationGroupId="one",
        ReplicationGroupDescription="one shard, one node",
        CacheNodeType="cache.t4g.small",
        ClusterMode="enabled",
        NumNodeGroups="1",
        ReplicasPerNodeGroup="0",
        AutomaticFailoverEnabled="true",
        MultiAZEnabled="false",
        TransitEncryptionEnabled="true",
        UserGroupIds=[{"Ref": "Users"}],
    ),
}
OUTPUTS = {
    "Host": {"Value": {"Fn::GetAtt": "Group.ConfigurationEndPoint.Address"}},
    "Port": {"Value": {"Fn::GetAtt": "Group.ConfigurationEndPoint.Port"}},
}


def test_one_shard_without_replicas_serves_cluster_clients_and_goes_with_its_stack(
    cloud: Cloud,
) -> None:
    stack = cloud.deploy("one-shard", RESOURCES, Outputs=OUTPUTS)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    where = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    with contextlib.closing(
        RedisCluster(
            host=where["Host"],
            port=int(where["Port"]),
            username="ops",
            password=PASSWORD,
            ssl=True,
            ssl_ca_certs=str(cloud.home.parent / "ca/ca.pem"),
        )
    ) as cluster:
        for n in range(20):
            cluster.set(f"live:{n}", n, ex=60)
        assert [int(cluster.get(f"live:{n}") or -1) for n in range(20)] == list(range(20))
        seen: Any = cluster
        assert (len(seen.get_primaries()), seen.get_replicas()) == (1, [])

    (group,) = cloud.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    assert group["ClusterEnabled"] is True
    assert (group["AutomaticFailover"], group["MultiAZ"]) == ("enabled", "disabled")
    assert [len(shard["NodeGroupMembers"]) for shard in group["NodeGroups"]] == [1]

    cloud.delete("one-shard")
    assert cloud.client("elasticache").describe_replication_groups()["ReplicationGroups"] == []
