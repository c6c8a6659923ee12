"""What MiniStack lacks or gets wrong, one gap per module.

Each names its gap and its test, lists the names in MiniStack that it relies on (``PATCHES``) and
the CloudFormation types that it handles (``TYPES``), and has ``install(cloud)``. They are installed
in this order. `local.contract` tells when a name or a handler is missing.
"""

from __future__ import annotations

from local.hooks import (
    alarm_math,
    api_access_log,
    api_address,
    api_definition,
    api_private_way,
    application_autoscaling,
    elasticache,
    iam_record,
    kinesis_events,
    kinesis_stream,
    kms_through_services,
    lambda_log,
    lambda_sandbox,
    lambda_template,
    nested_stacks,
    principal_arn,
    rds,
    rds_proxy,
    secure_transport,
    several_parameters,
    sqs_batches,
    types_alarms,
    types_backup,
    types_balancer,
    types_buckets,
    types_ecs,
    types_events,
    types_network,
    types_waf,
    vpc_default_group,
)

HOOKS = (
    iam_record,
    kms_through_services,
    several_parameters,
    sqs_batches,
    secure_transport,
    principal_arn,
    nested_stacks,
    lambda_template,
    lambda_sandbox,
    lambda_log,
    kinesis_stream,
    kinesis_events,
    types_network,
    vpc_default_group,
    types_events,
    alarm_math,
    types_alarms,
    types_buckets,
    rds,
    rds_proxy,
    application_autoscaling,
    elasticache,
    types_backup,
    types_ecs,
    types_balancer,
    types_waf,
    api_definition,
    api_address,
    api_private_way,
    api_access_log,
)
