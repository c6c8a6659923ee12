"""How facts about rotation can be broken: one change to a copy of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.templates import (
    test_keys,
    test_messages,
    test_network,
    test_order,
    test_published,
    test_roles,
    test_rotation,
    test_workflows,
)
from tests.contract.templates.sabotage_shapes import GONE

if TYPE_CHECKING:
    from types import ModuleType

SCHEDULE = "RotationSchedule AppSchedule Properties"
VARIABLES = "Rotation RotateFunction Properties Environment Variables"
AFTER_DEPLOY = "RotationSchedule SweepAfterDeployRule Properties EventPattern detail"
GIVEN_UP = "RotationSchedule RotationGivenUpRule Properties EventPattern detail"
REDEPLOY = "ServiceRedeploy RedeployPolicy Properties PolicyDocument Statement"
FAILED = "ServiceRedeploy RedeployFailedAlarm Properties Metrics 1 MetricStat Metric"
TRUST = "ServiceRedeploy RedeployRole Properties AssumeRolePolicyDocument Statement 0"

# For each module: the end of a fact's name, where the platform is changed, and into what.
ROTATION: dict[ModuleType, list[tuple[str, str, Any]]] = {
    test_rotation: [
        ("is_rotated_once", "RotationSchedule MasterSchedule", GONE),
        ("policy_allows", f"{SCHEDULE} RotationRules ScheduleExpression", "rate(31 days)"),
        ("so_that_they_part", f"{SCHEDULE} RotationRules ScheduleExpression", "rate(30 days)"),
        ("rotates_nothing", f"{SCHEDULE} RotateImmediatelyOnUpdate", True),
        ("before_the_night_does", f"{SCHEDULE} RotationRules Duration", "24h"),
        ("for_nobody_elses", "Rotation RotateMasterPermission Properties SourceAccount", GONE),
        ("for_nobody_elses", "Rotation RotateMasterPermission Properties SourceArn", GONE),
        ("know_the_same", f"{VARIABLES} OPS_BUS", "another"),
        ("that_is_rotated", f"{VARIABLES} SECRET_ARNS", "{}"),
        ("those_of_the_cache", "Cache AppUser Properties UserId", "another"),
        ("functions_time", "Rotation RotateFunction Properties Timeout", 30),
        ("policy_says_so", "RotationSchedule SecretTooOldAlarm Properties Threshold", 40),
        (
            "lets_a_database_sleep",
            "RotationSchedule SweepRule Properties ScheduleExpression",
            "rate(15 minutes)",
        ),
        ("whatever_became_of_it", f"{AFTER_DEPLOY} status-details status 2", GONE),
        ("gives_up_is_told", f"{GIVEN_UP} additionalEventData SecretId 6", GONE),
    ],
    test_workflows: [
        (
            "that_one_only",
            "ServiceRedeploy RedeployStartPolicy Properties PolicyDocument Statement 0 Resource",
            "*",
        ),
        ("was_promoted", "ServiceRedeploy RedeployRule Properties EventPattern resources", ["x"]),
        ("read_the_password", f"{REDEPLOY} 1 Condition", {}),
    ],
    test_messages: [
        ("when_it_fails", "Rotation SweepFunction Properties DeadLetterConfig", GONE),
        ("no_other_rule_may", "RotationSchedule SweepPermission", GONE),
    ],
    test_keys: [
        (
            "may_use_its_key",
            "Rotation SweepPolicy Properties PolicyDocument Statement 1",
            GONE,
        ),
    ],
    test_network: [
        ("lets_it_through", "Endpoints ElastiCacheEndpoint", GONE),
    ],
    test_order: [
        ("kept_in_order", "Operations Rotation DependsOn", GONE),
        ("put_it_there", "Operations RecoveryProbe DependsOn", GONE),
    ],
    test_published: [
        (
            "watched_is_published",
            "RotationSchedule SecretDriftedAlarm Properties MetricName",
            "Drift",
        ),
        (
            "something_that_exists",
            f"{FAILED} Dimensions 0 Value",
            "arn:aws:states:eu-central-1:123456789012:stateMachine:another",
        ),
    ],
    test_roles: [
        ("logs_in_with_it_only", f"{REDEPLOY} 0 Action", "secretsmanager:GetSecretValue"),
        (
            "acts_for_this_account",
            f"{TRUST} Condition",
            {},
        ),
    ],
}
