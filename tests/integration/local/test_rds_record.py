"""What a stack or a call says of a cluster, Describe tells; and it is found by any of its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.local.laptop import CLUSTER

if TYPE_CHECKING:
    from tests.integration.local.laptop import Laptop


def test_a_cluster_is_found_by_its_resource_id_and_by_its_arn(laptop: Laptop) -> None:
    rds, known = laptop.client("rds"), laptop.described()

    def found(name: str, value: str) -> list[str]:
        filters = [{"Name": name, "Values": [value]}]
        clusters = rds.describe_db_clusters(Filters=filters)["DBClusters"]
        return [each["DBClusterIdentifier"] for each in clusters]

    assert laptop.described(known["DBClusterArn"])["DBClusterIdentifier"] == CLUSTER
    assert found("db-cluster-resource-id", known["DbClusterResourceId"]) == [CLUSTER]
    assert found("db-cluster-resource-id", "cluster-OFSOMEBODYELSE") == []
    assert found("db-cluster-id", known["DBClusterArn"]) == [CLUSTER]
    assert found("db-cluster-id", CLUSTER) == [CLUSTER]


def test_what_a_stack_says_of_its_cluster_is_told(laptop: Laptop) -> None:
    key = "arn:aws:kms:eu-central-1:000000000000:key/of-the-stack"
    laptop.deploy(
        Cluster={
            "DBClusterParameterGroupName": "of-the-stack",
            "EnableCloudwatchLogsExports": ["postgresql"],
            "DatabaseInsightsMode": "advanced",
            "PerformanceInsightsEnabled": True,
            "PerformanceInsightsKmsKeyId": key,
            "PerformanceInsightsRetentionPeriod": 465,
            "Tags": [{"Key": "Owner", "Value": "hooks"}],
        }
    )
    told = laptop.described()
    tags = laptop.client("rds").list_tags_for_resource(ResourceName=told["DBClusterArn"])
    laptop.deploy()

    assert told["DBClusterParameterGroup"] == "of-the-stack"
    assert told["EnabledCloudwatchLogsExports"] == ["postgresql"]
    assert told["DatabaseInsightsMode"] == "advanced"
    assert told["PerformanceInsightsEnabled"] is True
    assert told["PerformanceInsightsKMSKeyId"] == key
    assert told["PerformanceInsightsRetentionPeriod"] == 465
    assert told["TagList"] == tags["TagList"] == [{"Key": "Owner", "Value": "hooks"}]
    assert laptop.described()["EnabledCloudwatchLogsExports"] == []


def test_what_a_call_changes_is_told(laptop: Laptop) -> None:
    rds, before = laptop.client("rds"), laptop.described()
    answered = rds.modify_db_cluster(
        DBClusterIdentifier=CLUSTER,
        VpcSecurityGroupIds=["sg-0123456789abcdef2"],
        DeletionProtection=True,
        DBClusterParameterGroupName="default.aurora-postgresql16",
        CloudwatchLogsExportConfiguration={"EnableLogTypes": ["postgresql"]},
        DatabaseInsightsMode="advanced",
        EnablePerformanceInsights=True,
    )["DBCluster"]
    told = laptop.described()
    rds.modify_db_cluster(
        DBClusterIdentifier=CLUSTER,
        DeletionProtection=False,
        CloudwatchLogsExportConfiguration={"DisableLogTypes": ["postgresql"]},
        DatabaseInsightsMode="standard",
        EnablePerformanceInsights=False,
    )
    after = laptop.described()

    for seen in (answered, told):
        groups = [each["VpcSecurityGroupId"] for each in seen["VpcSecurityGroups"]]
        assert groups == ["sg-0123456789abcdef2"]
        assert seen["DeletionProtection"]
        assert seen["DBClusterParameterGroup"] == "default.aurora-postgresql16"
        assert seen["EnabledCloudwatchLogsExports"] == ["postgresql"]
        assert (seen["DatabaseInsightsMode"], seen["PerformanceInsightsEnabled"]) == (
            "advanced",
            True,
        )
    assert after["EnabledCloudwatchLogsExports"] == before["EnabledCloudwatchLogsExports"] == []
    assert not after["PerformanceInsightsEnabled"]


def test_a_stack_s_member_tells_what_one_of_the_api_tells(laptop: Laptop) -> None:
    rds, added = laptop.client("rds"), "added-by-the-api"
    laptop.add_member(CLUSTER, added)
    stacked, made = (
        rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        for name in (f"{CLUSTER}-a", added)
    )
    rds.delete_db_instance(DBInstanceIdentifier=added, SkipFinalSnapshot=True)

    assert stacked["EngineVersion"] == laptop.described()["EngineVersion"]
    assert stacked.keys() == made.keys()
    for key in ("EngineVersion", "OptionGroupMemberships", "CertificateDetails"):
        assert stacked[key] == made[key]
