"""Which metrics AWS really publishes, under which dimensions. Source: the page beside each table.

An alarm on anything else stays silent for ever, and nothing says so.
"""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """The dimension sets of some metrics of one namespace."""

    documented: str
    dimensions: list[set[str]]
    metrics: set[str]


DOCS = "https://docs.aws.amazon.com/"
BALANCER = {"LoadBalancer"}
BY_TARGET = {"LoadBalancer", "TargetGroup"}
BY_ZONE = {"LoadBalancer", "AvailabilityZone"}
PROXY = {"ProxyName"}
BY_ENDPOINT = {"ProxyName", "EndpointName"}
BY_ROLE = {"ProxyName", "TargetGroup", "TargetRole"}
BY_MEMBER = {"ProxyName", "TargetGroup", "Target"}

_ELB = DOCS + "elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html"
_AURORA = DOCS + "AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html"
_PROXY = DOCS + "AmazonRDS/latest/AuroraUserGuide/rds-proxy.monitoring.html"
_SQS = DOCS + "AWSSimpleQueueService/latest/SQSDeveloperGuide/"
_SQS = DOCS + "AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
_REDIS = DOCS + "AmazonElastiCache/latest/dg/CacheMetrics.Redis.html"

PUBLISHED: dict[str, list[Published]] = {
    "AWS/ApiGateway": [
        Published(
            DOCS + "apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html",
            [{"ApiName"}, {"ApiName", "Stage"}, {"ApiName", "Method", "Resource", "Stage"}],
            {"4XXError", "5XXError", "Count", "IntegrationLatency", "Latency"},
        )
    ],
    "AWS/ApplicationELB": [
        Published(_ELB, [BALANCER, BY_ZONE], {"HTTPCode_ELB_5XX_Count", "RejectedConnectionCount"}),
        Published(
            _ELB,
            [BALANCER, BY_ZONE, BY_TARGET, BY_ZONE | BY_TARGET],
            {
                "HTTPCode_Target_5XX_Count",
                "RequestCount",
                "TargetConnectionErrorCount",
                "TargetResponseTime",
            },
        ),
        Published(
            _ELB, [BY_TARGET, BY_ZONE | BY_TARGET], {"HealthyHostCount", "UnHealthyHostCount"}
        ),
    ],
    "AWS/Backup": [
        Published(
            DOCS + "aws-backup/latest/devguide/cloudwatch.html",
            [{"BackupVaultName"}, {"ResourceType"}, {"BackupVaultName", "ResourceType"}],
            {
                "NumberOfBackupJobsCompleted",
                "NumberOfBackupJobsExpired",
                "NumberOfBackupJobsFailed",
                "NumberOfCopyJobsFailed",
            },
        )
    ],
    "AWS/ECS": [
        Published(
            DOCS + "AmazonECS/latest/developerguide/available-metrics.html",
            [{"ClusterName"}, {"ClusterName", "ServiceName"}],
            {"CPUUtilization", "MemoryUtilization"},
        )
    ],
    "ECS/ContainerInsights": [
        Published(
            DOCS + "AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html",
            [{"ClusterName", "ServiceName"}],
            {"DesiredTaskCount", "PendingTaskCount", "RunningTaskCount"},
        )
    ],
    "AWS/EFS": [
        Published(
            DOCS + "efs/latest/ug/efs-metrics.html",
            [{"FileSystemId"}],
            {"ClientConnections", "MeteredIOBytes", "PercentIOLimit", "PermittedThroughput"},
        )
    ],
    "AWS/ElastiCache": [
        Published(
            _REDIS,
            [{"CacheClusterId"}, {"CacheClusterId", "CacheNodeId"}],
            {
                "AuthenticationFailures",
                "CurrConnections",
                "EngineCPUUtilization",
                "Evictions",
                "ReplicationLag",
            },
        ),
        # per group, for auto scaling: the one by role, the other for all primaries
        Published(
            DOCS + "AmazonElastiCache/latest/dg/AutoScaling-Scaling-Policies-Target.html",
            [{"ReplicationGroupId", "Role"}],
            {"EngineCPUUtilization"},
        ),
        Published(
            DOCS + "AmazonElastiCache/latest/dg/AutoScaling-Scaling-Policies-Target.html",
            [{"ReplicationGroupId"}],
            {"DatabaseMemoryUsageCountedForEvictPercentage"},
        ),
    ],
    "AWS/Events": [
        Published(
            DOCS + "eventbridge/latest/userguide/eb-monitoring.html",
            [{"RuleName"}, {"EventBusName", "RuleName"}],
            {"FailedInvocations", "InvocationsFailedToBeSentToDlq", "InvocationsSentToDlq"},
        )
    ],
    "AWS/Kinesis": [
        Published(
            DOCS + "streams/latest/dev/monitoring-with-cloudwatch.html",
            [{"StreamName"}],
            {
                "GetRecords.IteratorAgeMilliseconds",
                "IncomingBytes",
                "IncomingRecords",
                "PutRecords.FailedRecords",
                "PutRecords.ThrottledRecords",
                "PutRecords.TotalRecords",
                "ReadProvisionedThroughputExceeded",
                "WriteProvisionedThroughputExceeded",
            },
        )
    ],
    "AWS/Lambda": [
        Published(
            DOCS + "lambda/latest/dg/monitoring-metrics-types.html",
            [{"FunctionName"}, {"FunctionName", "Resource"}],
            {"Duration", "Errors", "Invocations", "IteratorAge", "Throttles"},
        )
    ],
    "AWS/NATGateway": [
        Published(
            DOCS + "vpc/latest/userguide/metrics-dimensions-nat-gateway.html",
            [{"NatGatewayId"}],
            {
                "ErrorPortAllocation",
                "PacketsDropCount",
                "PacketsInFromDestination",
                "PacketsInFromSource",
            },
        )
    ],
    "AWS/RDS": [
        Published(
            _AURORA,
            [{"DBClusterIdentifier"}, {"DBClusterIdentifier", "Role"}, {"DBInstanceIdentifier"}],
            {
                "ACUUtilization",
                "CPUUtilization",
                "CommitLatency",
                "DatabaseConnections",
                "Deadlocks",
                "EngineUptime",
                "FreeLocalStorage",
                "FreeableMemory",
                "MaximumUsedTransactionIDs",
                "ServerlessDatabaseCapacity",
            },
        ),
        Published(
            _AURORA, [{"DBClusterIdentifier"}], {"AuroraReplicaLagMaximum", "VolumeBytesUsed"}
        ),
        Published(_PROXY, [BY_ROLE], {"AvailabilityPercentage"}),
        Published(
            _PROXY,
            [PROXY, BY_ENDPOINT],
            {"ClientConnectionsSetupFailedAuth", "DatabaseConnectionsBorrowLatency"},
        ),
        Published(
            _PROXY,
            [PROXY, BY_MEMBER, BY_ROLE],
            {"DatabaseConnectionsCurrentlyBorrowed", "MaxDatabaseConnectionsAllowed"},
        ),
        Published(
            _PROXY, [PROXY, BY_ENDPOINT, BY_MEMBER, BY_ROLE], {"QueryDatabaseResponseLatency"}
        ),
    ],
    "AWS/SNS": [
        Published(
            DOCS + "sns/latest/dg/sns-monitoring-using-cloudwatch.html",
            [{"TopicName"}],
            {"NumberOfNotificationsFailed", "NumberOfNotificationsRedrivenToDlq"},
        )
    ],
    "AWS/SQS": [
        Published(
            _SQS,
            [{"QueueName"}],
            {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
        )
    ],
    "AWS/States": [
        Published(
            DOCS + "step-functions/latest/dg/procedure-cw-metrics.html",
            [{"StateMachineArn"}],
            {"ExecutionsAborted", "ExecutionsFailed", "ExecutionsSucceeded", "ExecutionsTimedOut"},
        )
    ],
    "AWS/WAFV2": [
        Published(
            DOCS + "waf/latest/developerguide/waf-metrics.html",
            [{"Region", "Rule", "WebACL"}],
            {"AllowedRequests", "BlockedRequests"},
        )
    ],
}
OURS = "StreamFlix/Ops"  # `streamflix.metrics` publishes these, with one dimension
OUR_DIMENSIONS = {"Environment"}


def publishes(namespace: str, metric: str, dimensions: set[str]) -> bool:
    """Whether AWS publishes the metric under exactly these dimensions."""
    return any(
        metric in it.metrics and dimensions in it.dimensions for it in PUBLISHED.get(namespace, [])
    )
