"""A grant on one cluster or one proxy is a grant on it by any of its names, and on no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
