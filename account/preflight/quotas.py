"""What the account allows, against what this stack adds to what is there already."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from account.names import PROJECT, is_ours
from account.preflight.finding import Check, Finding, Look, fails

if TYPE_CHECKING:
    from collections.abc import Iterator

UNLIMITED = "the laptop's cloud has no quotas"

SET_ASIDE = 100
"""What Lambda leaves to all functions without a reservation, or refuses the reservation."""
OTHER_FUNCTIONS = 5
"""Runs at once of everything beside the stream's consumers: schema, network, tests by hand."""
SHARDS_ON_DEMAND = 4
"""With how many an on-demand stream begins."""


def _weigh(check: str, needed: float, used: float, limit: float, code: str) -> Finding:
    """`code` is service/quota; an empty quota has no code that is known to us."""
    found = f"{needed:g} more needed, {used:g} of {limit:g} in use"
    if used + needed <= limit:
        return Finding(check, found)
    service, quota = code.split("/")
    if not quota:
        return fails(check, found, f"Ask for {used + needed:g} at the Service Quotas of {service}.")
    return fails(
        check,
        found,
        f"aws service-quotas request-service-quota-increase --service-code {service} "
        f"--quota-code {quota} --desired-value {used + needed:g}",
    )


def _limit(look: Look, code: str) -> float:
    """The account's own value, or AWS's default where the account never had another."""
    quotas = look.at("service-quotas")
    service, quota = code.split("/")
    try:
        answer = quotas.get_service_quota(ServiceCode=service, QuotaCode=quota)
    except quotas.exceptions.NoSuchResourceException:
        answer = quotas.get_aws_default_service_quota(ServiceCode=service, QuotaCode=quota)
    return float(answer["Quota"]["Value"])


def _of_others(look: Look, things: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what this environment has already: an update does not need it again."""
    own = {("Project", PROJECT), ("Environment", look.environment)}
    return [
        each
        for each in things
        if not own <= {(tag["Key"], tag["Value"]) for tag in each.get("Tags", [])}
    ]


def _addresses(look: Look) -> Iterator[Finding]:
    used = _of_others(look, look.at("ec2").describe_addresses()["Addresses"])
    code = "ec2/L-0263D0A3"
    limit = _limit(look, code)
    yield _weigh("elastic addresses", look.plan.nat_gateways, len(used), limit, code)


def _networks(look: Look) -> Iterator[Finding]:
    used = _of_others(look, look.at("ec2").describe_vpcs()["Vpcs"])
    yield _weigh("VPCs", 1, len(used), _limit(look, "vpc/L-F678F1CE"), "vpc/L-F678F1CE")


def _gateways(look: Look) -> Iterator[Finding]:
    """The limit is a zone's, so the fullest zone counts."""
    ec2 = look.at("ec2")
    alive = {"Name": "state", "Values": ["pending", "available", "deleting"]}
    pages = ec2.get_paginator("describe_nat_gateways").paginate(Filter=[alive])
    others = _of_others(look, [each for page in pages for each in page["NatGateways"]])
    zone_of = {each["SubnetId"]: each["AvailabilityZone"] for each in _subnets(ec2)}
    zones = Counter(zone_of.get(each.get("SubnetId", ""), "") for each in others)
    fullest = max(zones.values(), default=0)
    code = "vpc/L-FE5A380F"
    yield _weigh("NAT gateways of a zone", 1, fullest, _limit(look, code), code)


def _subnets(ec2: Any) -> list[dict[str, Any]]:
    return [
        each
        for page in ec2.get_paginator("describe_subnets").paginate()
        for each in page["Subnets"]
    ]


def _concurrency(look: Look) -> Iterator[Finding]:
    lambdas, plan = look.at("lambda"), look.plan
    limits = lambdas.get_account_settings()["AccountLimit"]
    reserved = int(plan.number("AnalyticsReservedConcurrency"))
    shards = int(plan.number("ShardCount"))
    consumers = shards if plan.get("StreamMode") == "PROVISIONED" else SHARDS_ON_DEMAND
    needed = reserved + SET_ASIDE if reserved else consumers + OTHER_FUNCTIONS
    free = limits["UnreservedConcurrentExecutions"] + _reserved_by_us(look, lambdas)
    total = limits["ConcurrentExecutions"]
    yield _weigh("Lambda at once", needed, total - free, total, "lambda/L-B99A9384")


def _reserved_by_us(look: Look, lambdas: Any) -> int:
    name = f"{PROJECT}-analytics-consume-{look.environment}"
    try:
        answer = lambdas.get_function_concurrency(FunctionName=name)
    except lambdas.exceptions.ResourceNotFoundException:
        return 0
    return int(answer.get("ReservedConcurrentExecutions", 0))


def _stream(look: Look) -> Iterator[Finding]:
    kinesis, plan = look.at("kinesis"), look.plan
    limits, there = kinesis.describe_limits(), _our_stream(look, kinesis)
    mode = there.get("StreamModeDetails", {}).get("StreamMode")
    if plan.get("StreamMode") == "PROVISIONED":
        shards = int(plan.number("ShardCount"))
        ours = there.get("OpenShardCount", 0) if mode == "PROVISIONED" else 0
        used, limit = limits["OpenShardCount"] - ours, limits["ShardLimit"]
        yield _weigh("Kinesis shards", shards, used, limit, "kinesis/")
    else:
        ours = 1 if mode == "ON_DEMAND" else 0
        used, limit = limits["OnDemandStreamCount"] - ours, limits["OnDemandStreamCountLimit"]
        yield _weigh("Kinesis on-demand streams", 1, used, limit, "kinesis/")


def _our_stream(look: Look, kinesis: Any) -> dict[str, Any]:
    name = f"{PROJECT}-playback-{look.environment}"
    try:
        answer = kinesis.describe_stream_summary(StreamName=name)
    except kinesis.exceptions.ResourceNotFoundException:
        return {}
    summary: dict[str, Any] = answer["StreamDescriptionSummary"]
    return summary


def _databases(look: Look) -> Iterator[Finding]:
    rds = look.at("rds")
    quotas = {
        each["AccountQuotaName"]: each
        for each in rds.describe_account_attributes()["AccountQuotas"]
    }
    ours = [
        each
        for page in rds.get_paginator("describe_db_instances").paginate()
        for each in page["DBInstances"]
        if is_ours(look.environment, each["DBInstanceIdentifier"])
    ]
    there = {"DBInstances": len(ours), "DBClusters": len({_cluster(each) for each in ours})}
    needed = {"DBInstances": look.plan.zones, "DBClusters": 1}
    codes = {"DBInstances": "rds/L-7B6409FD", "DBClusters": "rds/L-952B80B8"}
    for name, code in codes.items():
        quota = quotas[name]
        used = quota["Used"] - there[name]
        yield _weigh(f"RDS {name}", needed[name], used, quota["Max"], code)


def _cluster(instance: dict[str, Any]) -> str:
    found: str = instance.get("DBClusterIdentifier", "")
    return found


def _tasks(look: Look) -> Iterator[Finding]:
    """Fargate tells no use, so this asks whether the service at its largest would fit alone."""
    needed = look.plan.task_cpus * look.plan.number("ServiceMaxTasks")
    if needed:
        code = "fargate/L-3032A538"
        yield _weigh("Fargate vCPUs", needed, 0, _limit(look, code), code)


CHECKS = (
    Check("elastic addresses", _addresses, UNLIMITED),
    Check("VPCs", _networks, UNLIMITED),
    Check("NAT gateways", _gateways, UNLIMITED),
    Check("Lambda concurrency", _concurrency, UNLIMITED),
    Check("Kinesis", _stream, UNLIMITED),
    Check("RDS", _databases, UNLIMITED),
    Check("Fargate", _tasks, UNLIMITED),
)
