"""How facts about rights, stores, shapes and sizes can be broken: one change to a copy of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.templates import (
    test_alarms,
    test_api,
    test_database,
    test_doors,
    test_keys,
    test_limits,
    test_logs,
    test_messages,
    test_network,
    test_order,
    test_outputs,
    test_profiles,
    test_published,
    test_redis,
    test_roles,
    test_service,
    test_stores,
    test_tags,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

GONE = object()  # the place is taken out
TICKET = {"Ref": "TicketTopicArn"}
RULE = "Backup DatabasePlan Properties BackupPlan BackupPlanRule 0"
TASK = "Service TaskDefinition Properties ContainerDefinitions 0"
DEPLOYMENT = "Service Service Properties DeploymentConfiguration"
MEMBER = "Aurora InstanceA Properties"
CLUSTER = "Aurora Cluster Properties"
REDIS = "Cache ReplicationGroup Properties"
ANALYTICS = "Analytics AnalyticsPolicy Properties PolicyDocument Statement"
SCHEMA = "Schema SchemaPolicy Properties PolicyDocument Statement"

# For each module: the end of a fact's name, where the platform is changed, and into what.
SHAPES: dict[ModuleType, list[tuple[str, str, Any]]] = {
    test_doors: [
        ("what_for", "Aurora DatabaseSecurityGroup Properties SecurityGroupIngress 0 ToPort", 9999),
        ("worn_by_nobody", "NetworkClosed DefaultSecurityGroup", GONE),
    ],
    test_keys: [
        (
            "resources_only",
            "Keys MessagingKey Properties KeyPolicy Statement 2 Condition",
            {"x": 1},
        ),
        ("for_a_month", "Keys DataKey Properties PendingWindowInDays", 7),
        (
            "before_roles",
            "Keys DataKey Properties KeyPolicy Statement 0 Principal",
            {"AWS": "arn:aws:iam::123456789012:role/deployer"},
        ),
        ("per_domain", "Keys LogsKey", GONE),
    ],
    test_messages: [
        ("takes_no_role", "Alerting KeyDeletedRule Properties Targets 0 RoleArn", "arn:x"),
        ("in_whoever_publishes_to_it", "Alerting TicketTopicPolicy", GONE),
        (
            "never_publishes_to_it",
            "Alerting AlarmTopicPolicy Properties PolicyDocument Statement 0 Principal Service",
            "budgets.amazonaws.com",
        ),
        ("is_known_here", "Stream Stream Properties DesiredShardLevelMetrics", TICKET),
        ("default_bus_only", "Alerting KeyDeletedRule Properties EventBusName", "ours"),
    ],
    test_order: [
        (
            "its_methods",
            "Service ServiceCpuScaling Properties ScalingTargetId",
            "service/streamflix",
        ),
        ("reader_may", "Analytics AnalyticsRole Properties ManagedPolicyArns", []),
        ("reader_there_is", "Aurora ReaderTarget Properties Tags 2", GONE),
        ("stands_in_it", "Base Network", {"Type": "AWS::CloudFormation::WaitConditionHandle"}),
    ],
    test_logs: [
        (
            "firewall_wants",
            "Api FirewallLogging Properties LogDestinationConfigs",
            ["arn:aws:logs:eu-central-1:123456789012:log-group:mine"],
        ),
        (
            "its_own_name",
            "Schema SchemaFunction Properties LoggingConfig LogGroup",
            "/aws/lambda/x",
        ),
        ("has_a_writer", "Network FlowLog", GONE),
        ("was_looked_at", "Service Cluster Properties ClusterSettings", []),
    ],
    test_limits: [
        ("no_larger_than_cloudwatch_takes", "Dashboard Dashboard Properties DashboardBody", "{"),
        (
            "environment_fits",
            "Schema SchemaFunction Properties Environment Variables X",
            "x" * 5000,
        ),
        ("than_iam_takes", "Schema SchemaRole Properties ManagedPolicyArns", ["x"] * 11),
        (
            "with_no_more_metrics_than_cloudwatch_takes",
            "Stream StreamReadsThrottledAlarm Properties Metrics",
            [{}] * 11,
        ),
        ("pattern_fits", "Backup BackupFailedRule Properties EventPattern source", ["x" * 5000]),
        ("where_it_goes", "Keys DataKey Properties Description", "x" * 8193),
        ("fits_into_a_parameter", "Root Base Properties Parameters VpcCidr", "x" * 4097),
        ("names_of_their_own", f"{ANALYTICS} 0 Sid", "LogsIn"),
    ],
    test_published: [
        ("watched_is_published", "Alerting PageUndeliveredAlarm Properties Namespace", "AWS/Sns"),
        ("metric_is_published", "Stream StreamReadersLateAlarm Properties Period", 45),
        (
            "returns_one_number",
            "Stream StreamWritesFailedAlarm Properties Metrics 0 Expression",
            "unknown / 2",
        ),
    ],
    test_roles: [
        ("beside_it", "Schema SchemaRole Properties RoleName", "another"),
        ("and_no_other", "Schema SchemaRole Properties ManagedPolicyArns 1", GONE),
        ("sentence_for_a_name", f"{ANALYTICS} 0 Sid", "one"),
        ("that_needs_it", f"{ANALYTICS} 8 Condition", {}),
        ("no_other_kind", "Schema SchemaPolicy Properties Roles", ["x"]),
        (
            "that_is_listed",
            "Schema SchemaRole Properties ManagedPolicyArns 0",
            "arn:aws:iam::aws:policy/AdministratorAccess",
        ),
        ("outlive_who_uses_it", "Schema SchemaRole Properties Policies", [{}]),
        (
            "the_others_are_not",
            "Network FlowLogRole Properties AssumeRolePolicyDocument Statement 0 Condition",
            {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
        ),
        ("than_a_service", f"{ANALYTICS} 0 Resource", "arn:aws:ssm:eu-central-1:1:parameter/x"),
        (
            "touches_network_interfaces",
            "NetworkMarks VpcFunctionPolicy Properties PolicyDocument Statement 1",
            GONE,
        ),
        ("before_the_stack", "Keys Made", {"Type": "AWS::SecretsManager::Secret"}),
    ],
    test_network: [
        ("zone_uses_it", "Network NatGatewayB Condition", GONE),
        (
            "in_three_zones",
            "Network DataSubnetC Properties AvailabilityZone Fn::Select 0",
            0,
        ),
        ("of_its_own", "Network NatGatewayB Properties SubnetId Ref", "PublicSubnetA"),
        ("resolve_inside", "Network Vpc Properties EnableDnsHostnames", False),
        ("nobody_calls", "Endpoints LogsEndpoint", GONE),
        ("public_addresses", "Network PublicSubnetA Properties MapPublicIpOnLaunch", True),
        ("every_environment", "Endpoints S3Endpoint Condition", "HasInterfaceEndpoints"),
        ("private_ones", "Files MountTargetA Properties SubnetId Fn::Select 0", 1),
        ("keeps_there", "Endpoints S3Endpoint Properties PolicyDocument Statement 1", GONE),
    ],
    test_stores: [
        (
            "does_not_say_so",
            "Schema SchemaPolicy Properties PolicyDocument Statement 0",
            {
                "Effect": "Allow",
                "Action": "elasticfilesystem:ClientWrite",
                "Resource": {"Fn::GetAtt": ["Files", "Outputs.FileSystemArn"]},
            },
        ),
        ("key_of_ours", "Stream Stream Properties StreamEncryption KeyId", "alias/aws/kinesis"),
        ("kind_is_explained", "Keys Table", {"Type": "AWS::DocDB::DBCluster"}),
        (
            "role_only",
            "Service TaskDefinition Properties Volumes 0 EFSVolumeConfiguration TransitEncryption",
            "DISABLED",
        ),
        ("is_overlooked", "Keys Disk", {"Type": "AWS::EC2::Volume"}),
        (
            "its_log_bucket",
            "Balancer BalancerLogsPolicy Properties PolicyDocument Statement 0 Action",
            "s3:*",
        ),
        ("in_awss_format", "Stream Stream Metadata com.aws.cloudformation.Context wy", "typo"),
        ("switched_to_encrypted", "Files FileSystem Properties Encrypted", False),
    ],
    test_tags: [
        (
            "a_copy_of",
            f"{RULE} RecoveryPointTags Retention",
            "7 days",
        ),
        ("changes_them", "Root Data Properties Tags", []),
        ("says_so", "Stream Stream Properties Tags 0 Value", "operational"),
    ],
    test_database: [
        ("may_sleep", "Aurora InstanceB Condition", GONE),
        ("shrink_the_database", "Aurora InstanceB Properties DBInstanceClass", "db.t4g.medium"),
        ("snapshot_of_its_own", "Aurora InstanceA DeletionPolicy", "Snapshot"),
        ("belongs_to_its_cluster", f"{MEMBER} DeletionProtection", True),
        ("decided_by_parameters", f"{CLUSTER} DeletionProtection", True),
        ("with_its_role", f"{MEMBER} MonitoringRoleArn", GONE),
        ("back_35_days", f"{CLUSTER} BackupRetentionPeriod", 7),
        ("stack_keeps", "Aurora ReaderTarget Properties MinCapacity", 1),
        ("of_their_own", "Proxy ProxyReader Properties TargetRole", "READ_WRITE"),
        ("never_the_epoch", "Aurora WriterAddress Properties Name", "/x/aurora/epoch"),
        ("and_nobody_else", f"{SCHEMA} 1 Resource", "arn:aws:ssm:eu-central-1:1:parameter/x"),
        (
            "quote_a_person",
            "Aurora ClusterParameters Properties Parameters log_error_verbosity",
            "verbose",
        ),
        ("replace_the_cluster", f"{CLUSTER} ManageMasterUserPassword", True),
        ("and_no_other", "Proxy ProxyPolicy Properties PolicyDocument Statement 0 Action 1", GONE),
        ("and_by_mark", "Root Application Properties Parameters DatabaseResourceId", "cluster-x"),
        ("exclude_each_other", "Root Operations Properties Parameters DatabaseProxy", "false"),
        ("from_the_secret", "Proxy Proxy Properties Auth 0 IAMAuth", "DISABLED"),
    ],
    test_redis: [
        ("in_several_zones", f"{REDIS} MultiAZEnabled", True),
        ("an_administrator", "Cache AppUser Properties AccessString", "on ~* -@all +@admin"),
        ("must_be_said", "Cache RedisParameters Properties Properties cluster-enabled", "no"),
        ("in_every_shard", f"{REDIS} MultiAZEnabled", False),
        ("one_shared_token", f"{REDIS} AuthToken", "x"),
        (
            "goes_first",
            "Cache RedisParameters Properties Properties maxmemory-policy",
            "noeviction",
        ),
    ],
    test_service: [
        ("ends_itself", f"{DEPLOYMENT} DeploymentCircuitBreaker Rollback", False),
        ("its_task_does", f"{TASK} StopTimeout", 10),
        ("without_a_version", f"{TASK} Secrets 0 ValueFrom", {"Ref": "RedisAppSecretArn"}),
        ("by_its_digest", f"{TASK} Image Fn::If 2", "public.ecr.aws/nginx:latest"),
        ("at_least", "Service Service Properties AvailabilityZoneRebalancing", "DISABLED"),
        (
            "plain_http_away",
            "Balancer HttpsListener Properties SslPolicy",
            "ELBSecurityPolicy-2016",
        ),
        ("number_of_tasks", "Service Service Properties DesiredCount", 3),
        ("container_opens", f"{TASK} PortMappings 0 ContainerPort", 80),
        ("hard_to_trick", "Balancer LoadBalancer Properties Scheme", "internet-facing"),
        ("that_of_redis", f"{TASK} Environment 0 Name", "DATABASE_PASSWORD"),
    ],
    test_api: [
        ("asked_for", "Api AccountLogging Condition", GONE),
        ("modern_tls", "Api RestApi Properties EndpointConfiguration Types", ["EDGE"]),
        ("and_a_rate", "Api Firewall Properties Rules 1", GONE),
        ("by_reference", "Api FirewallAssociation Properties ResourceArn", "arn:x"),
        ("of_its_sender", "Api FirewallLogging Properties RedactedFields 0", GONE),
        ("is_throttled", "Api Stage Properties StageName", "prod"),
        ("is_private", "Api ServiceLink", GONE),
    ],
    test_outputs: [("that_it_says", "Stream Stream Type", "AWS::SQS::Queue")],
    test_profiles: [
        ("pays_for_no_endpoint", "Endpoints SqsEndpoint Condition", GONE),
        ("as_it_should", "Network NatGatewayC Condition", GONE),
        ("production_has", "Balancer HttpsListener Type", "AWS::EC2::TransitGateway"),
    ],
    test_alarms: [
        ("that_exist", "Balancer DeploymentFailingAlarm", GONE),
        ("composite_does", "Dashboard DataAtRiskAlarm Properties AlarmActions", []),
        ("ones_go", "Stream StreamReadersLateAlarm Properties AlarmActions", []),
        ("exists_in_production", "Dashboard DataAtRiskAlarm Properties AlarmRule", 'ALARM("x")'),
    ],
}


def shapes(
    by_module: dict[ModuleType, list[tuple[str, str, Any]]],
) -> Iterator[tuple[Callable[[], None], str, Any]]:
    """The rows with the facts themselves: each name's end fits one fact of its module."""
    for module, rows in by_module.items():
        for end, where, value in rows:
            (name,) = [it for it in vars(module) if it.startswith("test_") and it.endswith(end)]
            yield getattr(module, name), where, value
