"""A grant on one cluster or one proxy is a grant on it by any of its names, and on no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.local.conftest import allow, refusal

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

SCOPE = "arn:aws:rds:eu-central-1:000000000000"


@pytest.fixture(scope="module")
def clusters(cloud: Cloud) -> dict[str, str]:
    """Of another engine, so that no server starts. Resource ids by name."""
    made = {}
    for name in ("arns-mine", "arns-other"):
        cluster = cloud.client("rds").create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-mysql",
            MasterUsername="master",
            MasterUserPassword="of nobody's cluster",
        )["DBCluster"]
        made[name] = cluster["DbClusterResourceId"]
    return made


def test_a_cluster_is_one_by_its_name_and_by_its_arn(
    cloud: Cloud, clusters: dict[str, str]
) -> None:
    actions = ["rds:DescribeDBClusters", "rds:AddTagsToResource", "rds:ListTagsForResource"]
    mine, other = (f"{SCOPE}:cluster:{name}" for name in clusters)
    rds = cloud.session("rds", "rds-arns", allow(actions, mine))
    tags = [{"Key": "Owner", "Value": "somebody"}]

    for name in ("arns-mine", mine):
        assert refusal(rds.describe_db_clusters, DBClusterIdentifier=name) == "none"
    for name in ("arns-other", other):
        assert "AccessDenied" in refusal(rds.describe_db_clusters, DBClusterIdentifier=name)
    assert refusal(rds.add_tags_to_resource, ResourceName=mine, Tags=tags) == "none"
    assert "AccessDenied" in refusal(rds.add_tags_to_resource, ResourceName=other, Tags=tags)
    assert rds.list_tags_for_resource(ResourceName=mine)["TagList"] == tags


def test_a_restore_needs_both_the_copy_and_its_source(
    cloud: Cloud, clusters: dict[str, str]
) -> None:
    granted = [f"{SCOPE}:cluster:arns-mine", f"{SCOPE}:cluster:arns-copy"]
    action = "rds:RestoreDBClusterToPointInTime"
    rds = cloud.session("rds", "rds-arns-restore", allow(action, granted))
    restore = rds.restore_db_cluster_to_point_in_time

    def answer(copy: str, **source: str) -> str:
        return refusal(restore, DBClusterIdentifier=copy, UseLatestRestorableTime=True, **source)

    mine, other = clusters.values()
    allowed = "InvalidDBClusterStateFault"  # nobody restores a cluster without servers
    assert answer("arns-copy", SourceDBClusterIdentifier="arns-mine") == allowed
    assert answer("arns-copy", SourceDbClusterResourceId=mine) == allowed
    assert "AccessDenied" in answer("arns-copy", SourceDBClusterIdentifier="arns-other")
    assert "AccessDenied" in answer("arns-copy", SourceDbClusterResourceId=other)
    assert "AccessDenied" in answer("arns-other-copy", SourceDBClusterIdentifier="arns-mine")


def test_a_failover_and_a_change_need_the_cluster_that_they_name(
    cloud: Cloud, clusters: dict[str, str]
) -> None:
    mine, other = clusters
    granted = allow(["rds:FailoverDBCluster", "rds:ModifyDBCluster"], f"{SCOPE}:cluster:{mine}")
    rds = cloud.session("rds", "rds-arns-change", granted)

    def failed_over(name: str) -> str:
        target = f"{name}-b"
        return refusal(
            rds.failover_db_cluster, DBClusterIdentifier=name, TargetDBInstanceIdentifier=target
        )

    assert failed_over(mine) == "DBInstanceNotFound"  # allowed: it has no members
    assert "AccessDenied" in failed_over(other)
    changed = {"BackupRetentionPeriod": 7}
    assert refusal(rds.modify_db_cluster, DBClusterIdentifier=mine, **changed) == "none"
    assert "AccessDenied" in refusal(rds.modify_db_cluster, DBClusterIdentifier=other, **changed)


def test_tags_are_added_and_taken_where_the_grant_is(
    cloud: Cloud, clusters: dict[str, str]
) -> None:
    mine, other = (f"{SCOPE}:cluster:{name}" for name in clusters)
    rds = cloud.session("rds", "rds-arns-untag", allow("rds:RemoveTagsFromResource", mine))

    assert refusal(rds.remove_tags_from_resource, ResourceName=mine, TagKeys=["Owner"]) == "none"
    assert "AccessDenied" in refusal(
        rds.remove_tags_from_resource, ResourceName=other, TagKeys=["Owner"]
    )


def test_a_member_needs_its_cluster_and_the_groups_that_it_names(
    cloud: Cloud, clusters: dict[str, str]
) -> None:
    mine, _ = clusters
    member = {
        "DBInstanceIdentifier": "arns-mine-a",
        "DBClusterIdentifier": mine,
        "DBInstanceClass": "db.r6g.large",
        "Engine": "aurora-mysql",
        "DBParameterGroupName": "default.aurora-mysql8.0",
    }
    needed = ["db:arns-mine-a", f"cluster:{mine}", "pg:default.aurora-mysql8.0"]

    for number, lacking in enumerate([*needed, ""]):
        granted = [f"{SCOPE}:{each}" for each in needed if each != lacking]
        rds = cloud.session(
            "rds", f"rds-arns-member-{number}", allow("rds:CreateDBInstance", granted)
        )
        answer = refusal(rds.create_db_instance, **member)
        assert ("AccessDenied" in answer) == bool(lacking), (lacking, answer)
    assert answer == "none"


def test_a_proxy_s_targets_need_its_group_and_to_be_taken_away_all_that_is_named(
    cloud: Cloud, clusters: dict[str, str]
) -> None:
    root, (mine, other) = cloud.client("rds"), clusters
    secret = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:of-nobody"
    proxy = root.create_db_proxy(
        DBProxyName="arns",
        EngineFamily="MYSQL",
        RoleArn="arn:aws:iam::000000000000:role/nobody",
        Auth=[{"AuthScheme": "SECRETS", "SecretArn": secret}],
        VpcSubnetIds=[
            each["SubnetId"] for each in cloud.client("ec2").describe_subnets()["Subnets"]
        ][:2],
    )["DBProxy"]["DBProxyArn"]
    group = root.describe_db_proxy_target_groups(DBProxyName="arns")["TargetGroups"][0]
    named = {"DBProxyName": "arns", "TargetGroupName": "default"}

    def session(name: str, action: str, *granted: str) -> Any:
        return cloud.session("rds", f"rds-arns-{name}", allow(f"rds:{action}", list(granted)))

    of_group = group["TargetGroupArn"]
    registrar = session("register", "RegisterDBProxyTargets", of_group)
    stranger = session("stranger", "RegisterDBProxyTargets", f"{SCOPE}:target-group:other")
    looker = session("look", "DescribeDBProxyTargets", of_group, proxy)
    remover = session(
        "remove", "DeregisterDBProxyTargets", of_group, proxy, f"{SCOPE}:cluster:{mine}"
    )

    assert "AccessDenied" in refusal(
        stranger.register_db_proxy_targets, **named, DBClusterIdentifiers=[mine]
    )
    assert (
        refusal(registrar.register_db_proxy_targets, **named, DBClusterIdentifiers=[mine]) == "none"
    )
    assert refusal(looker.describe_db_proxy_targets, **named) == "none"
    assert "AccessDenied" in refusal(
        remover.deregister_db_proxy_targets, **named, DBClusterIdentifiers=[other]
    )
    assert (
        refusal(remover.deregister_db_proxy_targets, **named, DBClusterIdentifiers=[mine]) == "none"
    )
    root.delete_db_proxy(DBProxyName="arns")
