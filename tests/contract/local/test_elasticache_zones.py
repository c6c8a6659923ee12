"""Members of a replication group lie in the zones of its subnets, as ElastiCache spreads them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

NAME = "zones"


def resources(zones: str) -> dict[str, Any]:
    subnets = {
        f"Subnet{zone}": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": f"10.8.{number}.0/24",
                "AvailabilityZone": f"eu-central-1{zone}",
            },
        }
        for number, zone in enumerate(zones)
    }
    return subnets | {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.8.0.0/16"}},
        "SubnetGroup": {
            "Type": "AWS::ElastiCache::SubnetGroup",
            "Properties": {
                "CacheSubnetGroupName": NAME,
                "Description": NAME,
                "SubnetIds": [{"Ref": subnet} for subnet in subnets],
            },
        },
        "Group": {
            "Type": "AWS::ElastiCache::ReplicationGroup",
            "Properties": {
                "ReplicationGroupId": NAME,
                "ReplicationGroupDescription": NAME,
                "Engine": "redis",
                "CacheNodeType": "cache.t4g.small",
                "ClusterMode": "enabled",
                "NumNodeGroups": "3",
                "ReplicasPerNodeGroup": "2",
                "CacheSubnetGroupName": {"Ref": "SubnetGroup"},
                "AutomaticFailoverEnabled": "true",
                "MultiAZEnabled": "true",
                "TransitEncryptionEnabled": "true",
            },
        },
    }


def test_every_shard_is_in_three_zones_and_no_two_primaries_in_one(cloud: Cloud) -> None:
    began = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    stack = cloud.deploy("elasticache-zones", resources("abc"))
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    elasticache = cloud.client("elasticache")

    def described() -> dict[str, Any]:
        answer = elasticache.describe_replication_groups(ReplicationGroupId=NAME)
        return dict(answer["ReplicationGroups"][0])

    group = described()
    members = [shard["NodeGroupMembers"] for shard in group["NodeGroups"]]
    zones = [[each["PreferredAvailabilityZone"][-1] for each in shard] for shard in members]
    assert zones == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"]]
    assert [each["CurrentRole"] for each in members[0]] == ["primary", "replica", "replica"]
    assert len(group["MemberClusters"]) == 9
    assert began <= group["ReplicationGroupCreateTime"] <= dt.datetime.now(dt.UTC)
    assert described()["ReplicationGroupCreateTime"] == group["ReplicationGroupCreateTime"]
    node = elasticache.describe_cache_clusters(CacheClusterId=f"{NAME}-0002-001")["CacheClusters"]
    assert node[0]["PreferredAvailabilityZone"] == "eu-central-1b"

    cloud.delete("elasticache-zones")


def test_a_group_in_two_zones_has_no_member_in_a_third(cloud: Cloud) -> None:
    cloud.deploy("elasticache-two-zones", resources("bc"))
    answer = cloud.client("elasticache").describe_replication_groups(ReplicationGroupId=NAME)

    shards = answer["ReplicationGroups"][0]["NodeGroups"]
    zones = {m["PreferredAvailabilityZone"][-1] for s in shards for m in s["NodeGroupMembers"]}
    assert zones == {"b", "c"}

    cloud.delete("elasticache-two-zones")
