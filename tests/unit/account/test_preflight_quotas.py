"""The preflight's look at what the region sells and what the account allows."""

from __future__ import annotations

from typing import Any

import pytest

from account.preflight import orderable, quotas
from tests.unit.account.answers import Answers, Refused
from tests.unit.account.looking import findings, verdicts


def orders(*zones: str) -> dict[str, Any]:
    options = [{"AvailabilityZones": [{"Name": zone} for zone in zones]}] if zones else []
    return {"OrderableDBInstanceOptions": options}


@pytest.mark.parametrize(
    ("zones", "verdict"), [(("a", "b", "c"), "ok"), (("a", "b"), "FAIL"), ((), "FAIL")]
)
def test_a_class_must_be_sold_in_as_many_zones_as_there_are_members(
    answers: Answers, zones: tuple[str, ...], verdict: str
) -> None:
    answers["rds.describe_orderable_db_instance_options"] = orders(*zones)
    answers["rds.describe_db_engine_versions"] = {"DBEngineVersions": [{"EngineVersion": "16.11"}]}

    found = findings(
        answers,
        orderable.CHECKS,
        "Aurora orderable",
        DatabaseInstanceClass="db.r7g.large",
        DatabaseReaders="2",
    )

    assert verdicts(found) == [verdict]


def test_a_version_that_is_gone_fails_with_those_that_exist(answers: Answers) -> None:
    answers["rds.describe_orderable_db_instance_options"] = orders()
    every = [{"EngineVersion": each} for each in ("15.10", "16.13", "16.14")]
    answers["rds.describe_db_engine_versions"] = lambda **asked: {
        "DBEngineVersions": [] if "EngineVersion" in asked else every
    }

    (found,) = findings(answers, orderable.CHECKS, "Aurora orderable", DatabaseInstanceClass="x")

    assert found.remedy.endswith("one of 16.13, 16.14.")


@pytest.mark.parametrize(("offers", "verdict"), [([{}], "ok"), ([], "FAIL")])
def test_a_redis_node_type_must_be_offered(
    answers: Answers, offers: list[dict[str, str]], verdict: str
) -> None:
    answers["elasticache.describe_reserved_cache_nodes_offerings"] = {
        "ReservedCacheNodesOfferings": offers
    }

    found = findings(answers, orderable.CHECKS, "Redis orderable", RedisNodeType="cache.x")

    assert verdicts(found) == [verdict]


OURS = [{"Key": "Project", "Value": "streamflix"}, {"Key": "Environment", "Value": "dev"}]


def limit(answers: Answers, value: float) -> None:
    answers["service-quotas.get_service_quota"] = {"Quota": {"Value": value}}


@pytest.mark.parametrize(
    ("others", "ours", "verdict"), [(2, 0, "ok"), (3, 0, "FAIL"), (2, 3, "ok"), (3, 3, "FAIL")]
)
def test_addresses_of_this_environment_are_not_needed_twice(
    answers: Answers, others: int, ours: int, verdict: str
) -> None:
    limit(answers, 5)
    answers["ec2.describe_addresses"] = {"Addresses": [{}] * others + [{"Tags": OURS}] * ours}

    found = findings(answers, quotas.CHECKS, "elastic addresses", NatGatewayPerAz="true")

    assert verdicts(found) == [verdict]


def test_a_quota_that_was_never_changed_is_awss_default(answers: Answers) -> None:
    answers["service-quotas.get_service_quota"] = Refused("NoSuchResourceException")
    answers["service-quotas.get_aws_default_service_quota"] = {"Quota": {"Value": 5.0}}
    answers["ec2.describe_vpcs"] = {"Vpcs": [{}] * 5}

    (found,) = findings(answers, quotas.CHECKS, "VPCs")

    assert (found.verdict, found.found) == ("FAIL", "1 more needed, 5 of 5 in use")
    assert "--quota-code L-F678F1CE --desired-value 6" in found.remedy


@pytest.mark.parametrize(("in_a", "verdict"), [(4, "ok"), (5, "FAIL")])
def test_the_fullest_zone_decides_about_gateways(answers: Answers, in_a: int, verdict: str) -> None:
    limit(answers, 5)
    answers["ec2.describe_nat_gateways"] = {
        "NatGateways": [{"SubnetId": "s-a"}] * in_a + [{"SubnetId": "s-b"}]
    }
    answers["ec2.describe_subnets"] = {
        "Subnets": [
            {"SubnetId": "s-a", "AvailabilityZone": "eu-central-1a"},
            {"SubnetId": "s-b", "AvailabilityZone": "eu-central-1b"},
        ]
    }

    assert verdicts(findings(answers, quotas.CHECKS, "NAT gateways")) == [verdict]


@pytest.mark.parametrize(
    ("total", "free", "ours", "reserved", "verdict"),
    [
        (10, 10, 0, "0", "ok"),
        (5, 5, 0, "0", "FAIL"),
        (1000, 1000, 0, "4", "ok"),
        (10, 10, 0, "4", "FAIL"),
        (104, 100, 4, "4", "ok"),  # ours already
    ],
)
def test_lambda_keeps_a_hundred_beside_what_is_set_aside(
    answers: Answers, total: int, free: int, ours: int, reserved: str, verdict: str
) -> None:
    answers["lambda.get_account_settings"] = {
        "AccountLimit": {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": free}
    }
    answers["lambda.get_function_concurrency"] = (
        {"ReservedConcurrentExecutions": ours} if ours else Refused("ResourceNotFoundException")
    )

    found = findings(
        answers,
        quotas.CHECKS,
        "Lambda concurrency",
        AnalyticsReservedConcurrency=reserved,
        StreamMode="PROVISIONED",
        ShardCount="2",
    )

    assert verdicts(found) == [verdict]


@pytest.mark.parametrize(
    ("mode", "limits", "verdict"),
    [
        ("PROVISIONED", (10, 8, 50, 0), "ok"),
        ("PROVISIONED", (10, 9, 50, 0), "FAIL"),
        ("ON_DEMAND", (10, 10, 50, 49), "ok"),
        ("ON_DEMAND", (10, 10, 50, 50), "FAIL"),
    ],
)
def test_a_stream_needs_shards_or_a_place_among_the_on_demand_ones(
    answers: Answers, mode: str, limits: tuple[int, int, int, int], verdict: str
) -> None:
    names = ("ShardLimit", "OpenShardCount", "OnDemandStreamCountLimit", "OnDemandStreamCount")
    answers["kinesis.describe_limits"] = dict(zip(names, limits, strict=True))
    answers["kinesis.describe_stream_summary"] = Refused("ResourceNotFoundException")

    found = findings(answers, quotas.CHECKS, "Kinesis", StreamMode=mode, ShardCount="2")

    assert verdicts(found) == [verdict]


def test_databases_of_others_count_and_ours_do_not(answers: Answers) -> None:
    names = [f"streamflix-aurora-dev-{each}" for each in "abc"]
    answers["rds.describe_db_instances"] = {
        "DBInstances": [
            {"DBInstanceIdentifier": each, "DBClusterIdentifier": "streamflix-aurora-dev"}
            for each in [*names, "streamflix-aurora-prod-a"]
        ]
    }

    def quota(used: int) -> list[str]:
        answers["rds.describe_account_attributes"] = {
            "AccountQuotas": [
                {"AccountQuotaName": "DBInstances", "Used": used, "Max": 40},
                {"AccountQuotaName": "DBClusters", "Used": 2, "Max": 40},
            ]
        }
        return verdicts(findings(answers, quotas.CHECKS, "RDS", DatabaseReaders="2"))

    assert quota(40) == ["ok", "ok"]
    assert quota(41) == ["FAIL", "ok"]
