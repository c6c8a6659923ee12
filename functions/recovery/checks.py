"""What the monitor looks at each minute, through AWS's own APIs.

Each check returns a verdict or raises; one that raises counts as breached, never as fine.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from recovery.clusters import Clusters
from recovery.delays import replica, stream
from recovery.restores import Restores
from recovery.table import Table
from recovery.verdict import Verdict, at_least, at_most, together
from streamflix import aws
from streamflix.ca import CA_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from recovery.settings import MonitorSettings

    Check = Callable[[MonitorSettings, datetime], Verdict]

NO_WRITER = "the database has no writer"
HOUR = 3600
# The daily snapshot may begin an hour late and takes a while; the hourly one as well.
DATABASE_BACKUP_SECONDS = 27 * HOUR
FILES_BACKUP_SECONDS = 4 * HOUR
REDIS_SNAPSHOT_SECONDS = 27 * HOUR
# A week, and a day to look into one that failed.
DRILL_SECONDS = 8 * 24 * HOUR
# The workflow ends itself after three hours.
LONGEST_DRILL_SECONDS = 4 * HOUR
# A month: the time that it takes to get a certificate by way of people.
CERTIFICATE_DAYS = 30
# Secrets rotate every 24 to 30 days; the policy ends at 30.
ROTATION_DAYS = 30


def database(env: MonitorSettings, now: datetime) -> Verdict:
    """How much a restore would lose now; whether there is a writer, and in how many zones."""
    rds = aws.client("rds")
    [cluster] = rds.describe_db_clusters(DBClusterIdentifier=env.cluster_id)["DBClusters"]
    lag = _seconds(now - cluster["LatestRestorableTime"])
    restorable = at_most(
        {"RecoveryPointLagSeconds": lag},
        env.rpo_seconds,
        "a restore would lose {value:.0f} s of writing; the objective is {limit:.0f} s",
    )
    pages = rds.get_paginator("describe_db_instances").paginate(
        Filters=[{"Name": "db-cluster-id", "Values": [env.cluster_id]}]
    )
    instances = [each for page in pages for each in page["DBInstances"]]
    serving = [each for each in instances if each["DBInstanceStatus"] == "available"]
    writers = [each for each in cluster["DBClusterMembers"] if each["IsClusterWriter"]]
    zones = at_least(
        {"DatabaseZones": len({each["AvailabilityZone"] for each in serving})},
        env.database_zones,
        "instances of the database serve in {value:.0f} zones instead of {limit:.0f}",
    )
    writer = Verdict(breaches=() if writers else (NO_WRITER,))
    return together([restorable, zones, writer])


def redis(env: MonitorSettings, now: datetime) -> Verdict:
    """Whether each shard has a primary and enough zones, and how old the newest snapshot is."""
    elasticache = aws.client("elasticache")
    [group] = elasticache.describe_replication_groups(ReplicationGroupId=env.redis_group_id)[
        "ReplicationGroups"
    ]
    status = str(group["Status"])
    usable = Verdict(
        breaches=()
        if status in {"available", "snapshotting"}
        else (f"the replication group is {status}",)
    )
    shards = [shard["NodeGroupMembers"] for shard in group["NodeGroups"]]
    fewest = min(
        (len({node.get("PreferredAvailabilityZone") for node in nodes}) for nodes in shards),
        default=0,
    )
    zones = at_least(
        {"RedisZones": fewest},
        env.redis_zones,
        "a shard of Redis stands in {value:.0f} zones instead of {limit:.0f}",
    )
    snapshots = elasticache.describe_snapshots(
        ReplicationGroupId=env.redis_group_id, SnapshotSource="system"
    )["Snapshots"]
    taken = [
        node["SnapshotCreateTime"]
        for snapshot in snapshots
        for node in snapshot.get("NodeSnapshots", [])
        if "SnapshotCreateTime" in node
    ]
    begun = group["ReplicationGroupCreateTime"]
    age = at_most(
        {"RedisSnapshotAgeSeconds": _seconds(now - max([*taken, begun]))},
        REDIS_SNAPSHOT_SECONDS,
        "the newest snapshot of Redis is {value:.0f} s old; daily is at most {limit:.0f} s",
    )
    return together([usable, zones, age])


def service(env: MonitorSettings, _: datetime) -> Verdict:
    """In how many zones tasks run."""
    ecs = aws.client("ecs")
    arns = [
        arn
        for page in ecs.get_paginator("list_tasks").paginate(
            cluster=env.service_cluster, serviceName=env.service_name, desiredStatus="RUNNING"
        )
        for arn in page["taskArns"]
    ]
    tasks: list[Mapping[str, Any]] = []
    for first in range(0, len(arns), 100):
        some = arns[first : first + 100]
        tasks += ecs.describe_tasks(cluster=env.service_cluster, tasks=some)["tasks"]
    zones = {task["availabilityZone"] for task in tasks if task["lastStatus"] == "RUNNING"}
    return at_least(
        {"ServiceZones": len(zones)},
        env.service_zones,
        "tasks of the service run in {value:.0f} zones instead of {limit:.0f}",
    )


def backups(env: MonitorSettings, now: datetime) -> Verdict:
    """How old the newest recovery point of each store is; a young vault is as old as itself."""
    backup = aws.client("backup")
    begun = backup.describe_backup_vault(BackupVaultName=env.backup_vault)["CreationDate"]
    newest: dict[str, datetime] = {}
    pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(
        BackupVaultName=env.backup_vault, ByCreatedAfter=now - timedelta(days=3)
    )
    for page in pages:
        for point in page["RecoveryPoints"]:
            if point["Status"] == "COMPLETED":
                kind = str(point["ResourceType"])
                newest[kind] = max(point["CompletionDate"], newest.get(kind, begun))
    database = _seconds(now - newest.get("Aurora", begun))
    files = _seconds(now - newest.get("EFS", begun))
    return together(
        [
            at_most(
                {"DatabaseBackupAgeSeconds": database},
                DATABASE_BACKUP_SECONDS,
                "the newest recovery point of the database is {value:.0f} s old;"
                " the plan allows {limit:.0f} s",
            ),
            at_most(
                {"FilesBackupAgeSeconds": files},
                FILES_BACKUP_SECONDS,
                "the newest recovery point of the files is {value:.0f} s old;"
                " the plan allows {limit:.0f} s",
            ),
        ]
    )


def expiries(env: MonitorSettings, now: datetime) -> Verdict:
    """Days until the first secret breaks the policy, and until the first certificate ends."""
    manager = aws.client("secretsmanager")
    since = [_changed(manager.describe_secret(SecretId=arn)) for arn in env.secret_arns]
    ends = [_bundle_ends()]
    if env.certificate_arn:
        described = aws.client("acm").describe_certificate(CertificateArn=env.certificate_arn)
        ends.append(described["Certificate"]["NotAfter"])
    oldest = min(since)
    return together(
        [
            at_least(
                {"SecretDaysLeft": ROTATION_DAYS - _days(now - oldest)},
                -1,  # a rotation on the last day takes place in the night after it
                "days until a secret is older than the policy allows: {value:.0f}",
            ),
            at_least(
                {"CertificateDaysLeft": _days(min(ends) - now)},
                CERTIFICATE_DAYS,
                "a certificate ends in {value:.0f} days",
            ),
        ]
    )


def drills(env: MonitorSettings, now: datetime) -> Verdict:
    """How long ago a restore was rehearsed with success; a young cluster has had no week for it."""
    [cluster] = aws.client("rds").describe_db_clusters(DBClusterIdentifier=env.cluster_id)[
        "DBClusters"
    ]
    passed = [
        datetime.fromtimestamp(restore.ended_at or 0.0, UTC)
        for restore in Restores(Table(env.incidents_table)).all()
        if restore.outcome == "passed"
    ]
    return at_most(
        {"RestoreDrillAgeSeconds": _seconds(now - max([cluster["ClusterCreateTime"], *passed]))},
        DRILL_SECONDS,
        "no restore was rehearsed with success for {value:.0f} s; weekly is at most {limit:.0f} s",
    )


def copies(env: MonitorSettings, now: datetime) -> Verdict:
    """A copy that outlives its drill is billed, and holds people who asked to be forgotten; one
    that took over is looked at by nobody until it bears the stack's names."""
    left = [
        str(cluster["DBClusterIdentifier"])
        for cluster in Clusters(env.cluster_id, []).copied()
        if _seconds(now - cluster["ClusterCreateTime"]) > LONGEST_DRILL_SECONDS
    ]
    breaches = []
    if left:
        breaches.append(f"restored copies were left behind: {', '.join(sorted(left))}")
    if waiting := Restores(Table(env.incidents_table)).unadopted():
        breaches.append(
            f"{waiting.copy} is in service and not adopted: what the stack names is not"
        )
    return Verdict({"CopiesLeft": len(left)}, tuple(breaches))


def _changed(secret: Mapping[str, Any]) -> datetime:
    """When its password was last made: by a rotation, or by hand, or with the secret."""
    for name in ("LastRotatedDate", "LastChangedDate", "CreatedDate"):
        if moment := secret.get(name):
            return _aware(moment)
    raise ValueError("a secret without dates")


def _bundle_ends() -> datetime:
    """The first authority in the core layer that ends."""
    context = ssl.create_default_context(cafile=str(CA_FILE))
    texts: Iterable[str] = (str(each["notAfter"]) for each in context.get_ca_certs())
    return min(datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC) for text in texts)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _seconds(time: timedelta) -> float:
    return max(0.0, time.total_seconds())


def _days(time: timedelta) -> float:
    return time.total_seconds() / 86_400


CHECKS: Mapping[str, Check] = {
    "database": database,
    "redis": redis,
    "service": service,
    "backups": backups,
    "stream": stream,
    "replica": replica,
    "expiries": expiries,
    "drills": drills,
    "copies": copies,
}
