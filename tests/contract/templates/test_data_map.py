"""The data map and the templates speak of the same stores."""

from __future__ import annotations

from account import pinned
from privacy import data_map
from tests.contract.templates import deployed


def test_a_changed_map_is_compared_at_the_next_deploy() -> None:
    pinned.DATA_MAP.check()


def test_a_deploy_compares_before_it_is_done() -> None:
    tree = deployed.platform()
    (check,) = tree.resources("Custom::DataMapChecked")

    assert {"ClusterResourceId", "MigrationsSha256", "DataMapSha256"} <= set(check.properties)


def test_every_store_of_the_platform_that_keeps_people_is_in_the_map() -> None:
    """A new kind of store that is tagged personal must be mapped, or be one that forgets itself."""
    kinds = {
        "AWS::RDS::DBCluster": "aurora",
        "AWS::ElastiCache::ReplicationGroup": "redis",
        "AWS::EFS::FileSystem": "files",
    }
    forgets = {
        "AWS::Backup::BackupVault": "35 days, as every receipt says",
        "AWS::DynamoDB::Table": "keys of open requests; each goes with its request",
        "AWS::Kinesis::Stream": "7 days; the fence keeps later readers out",
        "AWS::KMS::Key": "holds nothing",
        "AWS::Logs::LogGroup": "addresses of callers whom the firewall blocked, for days",
        "AWS::S3::Bucket": "addresses of callers in the balancer's log, for days",
    }
    outside = {
        "AWS::EC2::SecurityGroup",
        "AWS::ECS::Service",
        "AWS::ECS::TaskDefinition",
        "AWS::EFS::AccessPoint",
        "AWS::Lambda::Function",
        "AWS::RDS::DBInstance",
        "AWS::RDS::DBProxy",
        "AWS::RDS::DBProxyEndpoint",
    }
    tree = deployed.platform("prod")
    personal = {
        it.kind
        for it in tree.resources()
        for tags in ("Tags", "FileSystemTags", "AccessPointTags", "BackupVaultTags")
        if "personal" in str(it.properties.get(tags, ""))
    }
    mapped = {dataset.meta.store for dataset in data_map.ours().datasets}

    assert personal - outside - set(forgets) <= set(kinds)
    assert {kinds[it] for it in personal & set(kinds)} == mapped


def test_a_function_of_the_room_finds_the_files_where_the_map_says() -> None:
    tree = deployed.platform()
    for name in ("Erase", "Door"):
        function = next(
            it
            for it in tree.resources("AWS::Lambda::Function")
            if it.stack == f"Privacy{name}" and "FileSystemConfigs" in it.properties
        )
        (mount,) = function.properties["FileSystemConfigs"]
        assert (
            mount["LocalMountPath"] == function.properties["Environment"]["Variables"]["FILES_ROOT"]
        )
