"""How each fact about the whole platform can be broken: one change to a copy of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.templates import (
    test_api,
    test_database,
    test_doors,
    test_keys,
    test_limits,
    test_logs,
    test_messages,
    test_network,
    test_order,
    test_published,
    test_redis,
    test_roles,
    test_service,
    test_stores,
    test_tags,
)
from tests.contract.templates.sabotage_shapes import GONE

if TYPE_CHECKING:
    from collections.abc import Callable

WORLD = "0.0.0.0/0"


def in_production(fact: Callable[[str], None]) -> Callable[[], None]:
    def check() -> None:
        fact("prod")

    check.__name__ = fact.__name__
    return check


paths = in_production(test_doors.test_every_path_that_is_needed_is_open_and_no_other)
marks = in_production(test_doors.test_nobody_wears_a_mark_without_need)

# A fact, where the platform is changed, and into what.
SABOTAGE: list[tuple[Callable[[], None], str, Any]] = [
    # doors
    (paths, "Aurora DatabaseSecurityGroup Properties SecurityGroupIngress 0 FromPort", 5433),
    (paths, "NetworkMarks RedisClientSecurityGroup Properties SecurityGroupEgress 0 ToPort", 1),
    (paths, "Service BalancerEgress", GONE),
    (paths, "Analytics AnalyticsFunction Properties VpcConfig SecurityGroupIds 2", GONE),
    (
        marks,
        "Schema SchemaFunction Properties VpcConfig SecurityGroupIds 2",
        {"Fn::GetAtt": ["Unused", "GroupId"]},
    ),
    (
        test_doors.test_every_mark_is_worn,
        "Api ServiceLink Properties SecurityGroupIds 0",
        GONE,
    ),
    (
        test_doors.test_a_cluster_in_quarantine_is_reached_by_recovery_alone_and_reaches_nobody,
        "Aurora QuarantineSecurityGroup Properties SecurityGroupIngress 0 SourceSecurityGroupId",
        {"Ref": "DatabaseClientSecurityGroupId"},
    ),
    (
        test_doors.test_whoever_reaches_a_cluster_in_quarantine_also_reaches_the_one_in_service,
        "Aurora DatabaseSecurityGroup Properties SecurityGroupIngress 1 FromPort",
        5433,
    ),
    (
        test_doors.test_nothing_lets_the_world_in,
        "Balancer BalancerIngress Properties CidrIp",
        WORLD,
    ),
    (
        test_doors.test_a_store_admits_marks_and_never_an_address,
        "Cache RedisSecurityGroup Properties SecurityGroupIngress 0 CidrIp",
        "10.0.0.0/8",
    ),
    (
        test_doors.test_only_https_leaves_the_network_and_only_from_where_code_runs,
        "NetworkMarks DatabaseClientSecurityGroup Properties SecurityGroupEgress 0 CidrIp",
        WORLD,
    ),
    (
        test_doors.test_a_group_without_a_rule_for_leaving_would_let_everything_leave,
        "Files FilesSecurityGroup Properties SecurityGroupEgress",
        GONE,
    ),
    # keys
    (
        test_keys.test_every_service_that_uses_a_key_is_let_in,
        "Keys LogsKey Properties KeyPolicy Statement 1 Condition ArnLike",
        {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:*:*:log-group:/aws/lambda/*"},
    ),
    (
        test_keys.test_every_service_that_uses_a_key_is_let_in,
        "Keys DataKey Properties KeyPolicy Statement 1 Condition StringEquals kms:ViaService 0",
        GONE,
    ),
    (
        test_keys.test_no_service_is_let_in_that_uses_nothing_of_a_key,
        "Keys BackupKey Properties KeyPolicy Statement 1 Condition StringEquals kms:ViaService 0",
        {"Fn::Sub": "s3.${AWS::Region}.amazonaws.com"},
    ),
    (
        test_keys.test_what_a_role_is_granted_on_a_key_the_key_grants_the_role,
        "Keys StreamKey Properties KeyPolicy Statement 2 Condition ArnLike aws:PrincipalArn",
        "arn:aws:iam::123456789012:role/somebody-else",
    ),
    (
        test_keys.test_only_the_room_that_counts_may_read_what_people_watch,
        "Keys StreamKey Properties KeyPolicy Statement 2 Condition ArnLike",
        GONE,
    ),
    (
        test_keys.test_nobody_outside_the_account_is_let_in,
        "Keys DataKey Properties KeyPolicy Statement 1 Principal",
        "*",
    ),
    (
        test_keys.test_administration_is_the_accounts_and_is_not_use,
        "Keys DataKey Properties KeyPolicy Statement 0 Action",
        "kms:*",
    ),
    (
        test_keys.test_who_may_use_what_is_encrypted_may_use_its_key,
        "Service ServiceTaskPolicy Properties PolicyDocument Statement 3",
        GONE,
    ),
    # messages
    (
        test_messages.test_every_key_encrypts_for_whoever_publishes,
        "Keys MessagingKey Properties KeyPolicy Statement 2",
        GONE,
    ),
    (
        test_messages.test_what_a_rule_cannot_deliver_is_kept,
        "Backup BackupFailedRule Properties Targets 0 DeadLetterConfig Arn",
        "arn:aws:sqs:eu-central-1:123456789012:nowhere",
    ),
    (
        test_messages.test_every_dead_letter_is_told_of,
        "Analytics AnalyticsGaveUpAlarm",
        GONE,
    ),
    (
        test_messages.test_nothing_comes_in_the_clear,
        "Analytics QueuesPolicy Properties PolicyDocument Statement 0 Condition",
        {"Bool": {"aws:SecureTransport": "true"}},
    ),
    # order
    (test_order.test_what_races_is_kept_in_order, "Balancer LoadBalancer DependsOn", GONE),
    (test_order.test_what_races_is_kept_in_order, "Root Application DependsOn", GONE),
    (
        test_order.test_the_first_member_is_the_writer_because_the_others_wait_for_it,
        "Aurora InstanceB DependsOn",
        GONE,
    ),
    (
        test_roles.test_every_policy_is_held_by_a_role,
        "Proxy ProxyRole Properties ManagedPolicyArns",
        [],
    ),
    (test_order.test_nothing_waits_for_itself, "Aurora SubnetGroup DependsOn", "Cluster"),
    # logs
    (test_logs.test_every_log_has_a_group_of_ours_before_its_writer, "Proxy Proxy DependsOn", GONE),
    (
        test_logs.test_every_log_has_a_group_of_ours_before_its_writer,
        "Service InsightsLogGroup Properties LogGroupName",
        "another",
    ),
    (
        test_logs.test_every_log_ends_and_is_encrypted_and_goes_with_the_stack,
        "Network FlowLogGroup Properties RetentionInDays",
        GONE,
    ),
    # limits
    (
        test_limits.test_every_policy_fits,
        "Backup BackupPolicy Properties PolicyDocument Statement 0 Sid",
        "x" * 6_144,
    ),
    (
        test_limits.test_a_security_groups_words_are_those_that_ec2_takes,
        "Files FilesSecurityGroup Properties GroupDescription",
        "it's ours",
    ),
    (
        test_limits.test_a_composite_alarms_rule_is_short_and_names_alarms_that_exist,
        "Dashboard DataAtRiskAlarm Properties AlarmRule",
        'ALARM("streamflix-nothing-prod")',
    ),
    # what is watched
    (
        test_published.test_every_metric_that_is_watched_is_published,
        "AuroraAlarms DatabaseDeadlocksPresentAlarm Properties MetricName",
        "DeadLocks",
    ),
    (
        test_published.test_a_dimension_is_the_name_of_something_that_exists,
        "Alerting PageUndeliveredAlarm Properties Dimensions 0 Value",
        "streamflix-pages-aaaaaaaaaaaa",
    ),
    # rights
    (
        test_roles.test_a_policy_names_its_actions_and_its_resources,
        "Schema SchemaPolicy Properties PolicyDocument Statement 0 Resource",
        "*",
    ),
    (
        test_roles.test_a_role_is_for_one_service_that_acts_for_this_account,
        "Proxy ProxyRole Properties AssumeRolePolicyDocument Statement 0 Condition",
        {},
    ),
    (
        test_roles.test_every_role_can_be_capped,
        "Backup BackupRole Properties PermissionsBoundary",
        "arn:aws:iam::123456789012:policy/another",
    ),
    (
        test_roles.test_a_login_of_the_database_is_reached_by_whoever_logs_in_with_it_only,
        "Analytics AnalyticsPolicy Properties PolicyDocument Statement 1 Resource 0",
        {"Fn::Sub": "arn:aws:secretsmanager:::secret:streamflix/x/aurora/master-AbCdEf"},
    ),
    # stores, tags, network, shapes
    (
        test_stores.test_databases_and_caches_speak_tls_or_not_at_all,
        "Proxy Proxy Properties RequireTLS",
        False,
    ),
    (
        test_stores.test_whatever_keeps_something_says_why_it_is_so_and_what_must_stay,
        "Stream Stream Metadata",
        {},
    ),
    (
        test_stores.test_nothing_is_read_from_or_written_to_a_bucket_in_the_clear,
        "Balancer BalancerLogsPolicy Properties PolicyDocument Statement 1 Resource 1",
        GONE,
    ),
    (
        test_tags.test_every_resource_that_can_be_tagged_says_what_it_holds_and_how_long,
        "Files FileSystem Properties FileSystemTags 1",
        GONE,
    ),
    (
        test_network.test_no_route_leaves_the_network_from_where_data_is_kept,
        "Network PrivateRouteA Properties RouteTableId Ref",
        "DataRouteTable",
    ),
    (
        test_network.test_every_endpoint_lets_this_account_reach_its_own_and_nothing_else,
        "Endpoints SqsEndpoint Properties PolicyDocument Statement 0 Condition",
        {},
    ),
    (
        test_network.test_whatever_is_called_from_inside_has_an_endpoint_that_lets_it_through,
        "Endpoints SsmEndpoint Properties PolicyDocument Statement 0 Action",
        "ssm:GetParameter",
    ),
    (
        test_database.test_production_stands_in_three_zones_and_fails_over_to_its_neighbour_first,
        "Aurora InstanceC Properties AvailabilityZone Fn::Select 0",
        1,
    ),
    (
        test_redis.test_the_user_named_default_exists_and_can_do_nothing,
        "Cache DefaultUser Properties AccessString",
        "on ~* +@all",
    ),
    (
        test_service.test_a_task_is_nobody_and_can_write_nowhere_but_where_it_is_told,
        "Service TaskDefinition Properties ContainerDefinitions 0 User",
        "0:0",
    ),
    (
        test_api.test_the_access_log_names_nobody,
        "Api Stage Properties AccessLogSetting Format",
        '{"requestId": "$context.requestId", "ip": "$context.identity.sourceIp"}',
    ),
]
