"""What an account has once and for all stacks: linked roles, settings, opt-ins, the trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from account.preflight.finding import Check, Finding, Look, fails, note

if TYPE_CHECKING:
    from collections.abc import Iterator

# Service-linked role, who assumes it, and the resource type that needs it. AWS makes them with the
# first resource, but the create that makes one may come too early to use it.
LINKED = (
    ("AWSServiceRoleForRDS", "rds.amazonaws.com", "AWS::RDS::DBCluster"),
    (
        "AWSServiceRoleForElastiCache",
        "elasticache.amazonaws.com",
        "AWS::ElastiCache::ReplicationGroup",
    ),
    ("AWSServiceRoleForECS", "ecs.amazonaws.com", "AWS::ECS::Service"),
    (
        "AWSServiceRoleForElasticLoadBalancing",
        "elasticloadbalancing.amazonaws.com",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
    ),
    (
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        "ecs.application-autoscaling.amazonaws.com",
        "AWS::ApplicationAutoScaling::ScalableTarget",
    ),
    (
        "AWSServiceRoleForApplicationAutoScaling_RDSCluster",
        "rds.application-autoscaling.amazonaws.com",
        "AWS::ApplicationAutoScaling::ScalableTarget",
    ),
    ("AWSServiceRoleForBackup", "backup.amazonaws.com", "AWS::Backup::BackupPlan"),
    (
        "AWSServiceRoleForAmazonElasticFileSystem",
        "elasticfilesystem.amazonaws.com",
        "AWS::EFS::FileSystem",
    ),
    ("AWSServiceRoleForAPIGateway", "ops.apigateway.amazonaws.com", "AWS::ApiGateway::RestApi"),
    (
        "AWSServiceRoleForWAFV2Logging",
        "wafv2.amazonaws.com",
        "AWS::WAFv2::LoggingConfiguration",
    ),
)

OPT_IN = {"Aurora": "AWS::RDS::DBCluster", "EFS": "AWS::EFS::FileSystem"}


def _linked_roles(look: Look) -> Iterator[Finding]:
    iam = look.at("iam")
    wanted = [each for each in LINKED if each[2] in look.plan.types]
    missing = []
    for role, service, _ in wanted:
        try:
            iam.get_role(RoleName=role)
        except iam.exceptions.NoSuchEntityException:
            missing.append(role)
            yield fails(
                f"service-linked role {role}",
                "missing",
                f"aws iam create-service-linked-role --aws-service-name {service}",
            )
    if not missing:
        yield Finding("service-linked roles", f"all {len(wanted)} exist")


def _api_logging(look: Look) -> Iterator[Finding]:
    check = "API Gateway's logging role"
    if "AWS::ApiGateway::RestApi" not in look.plan.types:
        return
    if look.plan.true("ApiAccountLogging"):
        yield Finding(check, "the stack sets it (ApiAccountLogging=true)")
        return
    role = look.at("apigateway").get_account().get("cloudwatchRoleArn")
    if role:
        yield Finding(check, role.rsplit("/", 1)[-1])
    else:
        yield fails(
            check,
            "the account has none, so a stage with logs is refused",
            "Set ApiAccountLogging=true in samconfig.toml, in one environment of the account; or "
            "aws apigateway update-account --patch-operations "
            "op=replace,path=/cloudwatchRoleArn,value=<role>",
        )


def _backup_opt_in(look: Look) -> Iterator[Finding]:
    if "AWS::Backup::BackupPlan" not in look.plan.types:
        return
    settings = look.at("backup").describe_region_settings()["ResourceTypeOptInPreference"]
    wanted = [name for name, kind in OPT_IN.items() if kind in look.plan.types]
    out = [name for name in wanted if not settings.get(name)]
    if out:
        yield fails(
            "AWS Backup opt-in",
            f"off for {', '.join(out)}: the plan would skip them in silence",
            "aws backup update-region-settings --resource-type-opt-in-preference "
            + ",".join(f"{name}=true" for name in out),
        )
    else:
        yield Finding("AWS Backup opt-in", f"on for {', '.join(wanted)}")


def _boundary(look: Look) -> Iterator[Finding]:
    arn = look.plan.get("PermissionsBoundary")
    if not arn:
        yield Finding("permissions boundary", "none asked for")
        return
    iam = look.at("iam")
    try:
        iam.get_policy(PolicyArn=arn)
    except (iam.exceptions.NoSuchEntityException, iam.exceptions.InvalidInputException):
        yield fails(
            "permissions boundary",
            f"{arn} does not exist",
            "Correct PermissionsBoundary in samconfig.toml; every role would be refused.",
        )
    else:
        yield Finding("permissions boundary", arn.rsplit("/", 1)[-1])


def _trail(look: Look) -> Iterator[Finding]:
    """Some events of Secrets Manager and KMS reach the bus through CloudTrail only."""
    trails = look.at("cloudtrail")
    for each in trails.describe_trails()["trailList"]:
        if trails.get_trail_status(Name=each["TrailARN"]).get("IsLogging"):
            yield Finding("CloudTrail", f"{each['Name']} is logging")
            return
    yield note(
        "CloudTrail",
        "no trail is logging",
        "Without one a failed rotation and a key's deletion are not announced: have a trail of "
        "management events (account level, not this stack's).",
    )


CHECKS = (
    Check("service-linked roles", _linked_roles, "the laptop's cloud needs no linked roles"),
    Check("API Gateway's logging role", _api_logging, "the laptop's cloud logs without a role"),
    Check("AWS Backup opt-in", _backup_opt_in, "the laptop's cloud takes no backups"),
    Check("permissions boundary", _boundary),
    Check("CloudTrail", _trail, "the laptop's cloud records calls by itself"),
)
