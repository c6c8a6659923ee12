"""What will be lost: every store and every backup of the environment, with size and age."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from account.destroy import leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from account.destroy.scene import Scene

KILO = 1024.0


class Loss(NamedTuple):
    """One thing that nobody can bring back."""

    kind: str
    name: str
    size: str
    since: str


def find(scene: Scene) -> Iterator[Loss]:
    """By name, so that what an earlier, unfinished run has left is shown too."""
    yield from _databases(scene)
    yield from _snapshots(scene)
    yield from _caches(scene)
    yield from _files(scene)
    yield from _streams(scene)
    yield from _tables(scene)
    yield from _table_backups(scene)
    yield from _buckets(scene)
    yield from _recovery_points(scene)
    yield from _copies_abroad(scene)
    yield from _logs(scene)


def _databases(scene: Scene) -> Iterator[Loss]:
    for each in scene.each("rds", "describe_db_clusters", "DBClusters"):
        name = each["DBClusterIdentifier"]
        if not scene.ours(name):
            continue
        members = len(each.get("DBClusterMembers", []))
        yield Loss("database", name, _volume(scene, name, members), age(each["ClusterCreateTime"]))
        if each.get("EarliestRestorableTime"):
            begin = each["EarliestRestorableTime"]
            yield Loss("point-in-time recovery", name, "every moment since", age(begin))
    listed = scene.each("rds", "describe_db_cluster_automated_backups", "DBClusterAutomatedBackups")
    for each in listed:
        if scene.ours(each["DBClusterIdentifier"]) and each.get("Status") == "retained":
            begin = each["RestoreWindow"]["EarliestTime"]
            name = each["DBClusterIdentifier"]
            yield Loss("retained automated backup", name, "every moment since", age(begin))


def _volume(scene: Scene, cluster: str, members: int) -> str:
    """Aurora tells its size to CloudWatch only."""
    now = dt.datetime.now(dt.UTC)
    points = scene.at("cloudwatch").get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName="VolumeBytesUsed",
        Dimensions=[{"Name": "DBClusterIdentifier", "Value": cluster}],
        StartTime=now - dt.timedelta(days=1),
        EndTime=now,
        Period=86400,
        Statistics=["Average"],
    )["Datapoints"]
    volume = size(points[0]["Average"]) if points else "size unknown"
    return f"{volume}, {members} members"


def _snapshots(scene: Scene) -> Iterator[Loss]:
    for each in scene.each("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots"):
        if scene.ours(each["DBClusterIdentifier"]) and each.get("SnapshotType") == "manual":
            name, amount = each["DBClusterSnapshotIdentifier"], each.get("AllocatedStorage", 0)
            yield Loss("snapshot", name, f"{amount} GB", age(each.get("SnapshotCreateTime")))
    for each in scene.each("elasticache", "describe_snapshots", "Snapshots"):
        if scene.ours(each.get("ReplicationGroupId") or each.get("CacheClusterId", "")):
            nodes = each.get("NodeSnapshots", [])
            made = nodes[0].get("SnapshotCreateTime") if nodes else None
            yield Loss("Redis snapshot", each["SnapshotName"], f"{len(nodes)} nodes", age(made))


def _caches(scene: Scene) -> Iterator[Loss]:
    for each in scene.each("elasticache", "describe_replication_groups", "ReplicationGroups"):
        if scene.ours(each["ReplicationGroupId"]):
            shards, made = len(each.get("NodeGroups", [])), each.get("ReplicationGroupCreateTime")
            yield Loss("Redis", each["ReplicationGroupId"], f"{shards} shards", age(made))


def _files(scene: Scene) -> Iterator[Loss]:
    for each in scene.each("efs", "describe_file_systems", "FileSystems"):
        if each["FileSystemId"] in scene.of_kind("AWS::EFS::FileSystem"):
            amount = size(each["SizeInBytes"]["Value"])
            yield Loss("files", each["FileSystemId"], amount, age(each["CreationTime"]))


def _streams(scene: Scene) -> Iterator[Loss]:
    for name in scene.each("kinesis", "list_streams", "StreamNames"):
        if scene.ours(name):
            answer = scene.at("kinesis").describe_stream_summary(StreamName=name)
            one = answer["StreamDescriptionSummary"]
            amount = f"{one['OpenShardCount']} shards, {one['RetentionPeriodHours']} h of events"
            yield Loss("stream", name, amount, age(one.get("StreamCreationTimestamp")))


def _tables(scene: Scene) -> Iterator[Loss]:
    for name in scene.each("dynamodb", "list_tables", "TableNames"):
        if scene.ours(name):
            one = scene.at("dynamodb").describe_table(TableName=name)["Table"]
            amount = f"about {one['ItemCount']} items, {size(one['TableSizeBytes'])}"
            yield Loss("table", name, amount, age(one["CreationDateTime"]))


def _table_backups(scene: Scene) -> Iterator[Loss]:
    for each in scene.each("dynamodb", "list_backups", "BackupSummaries", BackupType="USER"):
        if scene.ours(each["TableName"]):
            amount, made = size(each.get("BackupSizeBytes", 0)), each["BackupCreationDateTime"]
            yield Loss("backup of a table", each["BackupName"], amount, age(made))


def _buckets(scene: Scene) -> Iterator[Loss]:
    for each in scene.each("s3", "list_buckets", "Buckets"):
        if each["Name"] in scene.of_kind("AWS::S3::Bucket"):
            page = scene.at("s3").list_object_versions(Bucket=each["Name"])
            count = len(page.get("Versions", [])) + len(page.get("DeleteMarkers", []))
            more = "more than " if page.get("IsTruncated") else ""
            yield Loss(
                "bucket", each["Name"], f"{more}{count} versions", age(each.get("CreationDate"))
            )


def _recovery_points(scene: Scene) -> Iterator[Loss]:
    for vault in scene.each("backup", "list_backup_vaults", "BackupVaultList"):
        name = vault["BackupVaultName"]
        if name not in scene.of_kind("AWS::Backup::BackupVault"):
            continue
        points = list(
            scene.each(
                "backup",
                "list_recovery_points_by_backup_vault",
                "RecoveryPoints",
                BackupVaultName=name,
            )
        )
        amount = size(sum(point.get("BackupSizeInBytes", 0) for point in points))
        oldest = min((point["CreationDate"] for point in points), default=None)
        yield Loss("backup vault", name, f"{len(points)} recovery points, {amount}", age(oldest))


def _copies_abroad(scene: Scene) -> Iterator[Loss]:
    region, vault, points = leftovers.copies_abroad(scene)
    if points:
        amount = size(sum(point.get("BackupSizeInBytes", 0) for point in points))
        oldest = min(point["CreationDate"] for point in points)
        yield Loss(
            f"copies in {region}", vault, f"{len(points)} recovery points, {amount}", age(oldest)
        )


def _logs(scene: Scene) -> Iterator[Loss]:
    groups = [
        each
        for each in scene.each("logs", "describe_log_groups", "logGroups")
        if scene.ours(each["logGroupName"])
    ]
    if groups:
        stored = sum(each.get("storedBytes", 0) for each in groups)
        oldest = min(each["creationTime"] for each in groups) / 1000
        begin = dt.datetime.fromtimestamp(oldest, dt.UTC)
        yield Loss("logs", f"{len(groups)} log groups", size(stored), age(begin))


def size(amount: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KB", "MB", "GB"):
        if amount < KILO:
            return f"{amount:.0f} {unit}"
        amount /= KILO
    return f"{amount:.1f} TB"


def age(since: dt.datetime | None) -> str:
    """Since when, and how long that is."""
    if since is None:
        return "unknown"
    passed = dt.datetime.now(dt.UTC) - since.astimezone(dt.UTC)
    amount = f"{passed.days} days" if passed.days else f"{passed.seconds // 60} min"
    return f"{since:%Y-%m-%d} ({amount})"
