"""What each environment asks for: a developer's stack is cheap, production is safe."""

from __future__ import annotations

from collections import Counter

from tests.contract.templates import deployed

# What costs by the hour, by environment.
HOURLY = {
    "AWS::EC2::NatGateway": {"dev": 1, "prod": 3, "local": 3},
    "AWS::RDS::DBInstance": {"dev": 1, "prod": 3, "local": 3},
    "AWS::RDS::DBProxy": {"dev": 0, "prod": 1, "local": 1},
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {"dev": 1, "prod": 1, "local": 1},
}
SAFE = {
    "DatabaseInsights": "advanced",
    "DeleteAutomatedBackups": "false",
    "DeletionProtection": "true",
    "InterfaceEndpoints": "true",
    "NatGatewayPerAz": "true",
    "RpoSeconds": "300",
    "RtoSeconds": "1800",
}
CHEAP = {
    "DatabaseInsights": "standard",
    "DatabaseInstanceClass": "db.serverless",
    "DatabaseMinCapacity": "0",
    "DeletionProtection": "false",
    "InterfaceEndpoints": "false",
    "RedisReplicasPerShard": "0",
    "RedisShards": "1",
    "ServiceTasks": "1",
}


def test_an_environment_has_as_many_of_what_costs_by_the_hour_as_it_should() -> None:
    for environment in deployed.ENVIRONMENTS:
        kinds = Counter(it.kind for it in deployed.platform(environment).resources())
        found = {kind: kinds[kind] for kind in HOURLY}
        assert found == {kind: asked[environment] for kind, asked in HOURLY.items()}, environment


def test_a_developers_stack_pays_for_no_endpoint() -> None:
    kinds = {
        it.properties["VpcEndpointType"]
        for it in deployed.platform("dev").resources("AWS::EC2::VPCEndpoint")
    }

    assert kinds == {"Gateway"}


def test_production_is_safe_and_a_developers_stack_is_cheap() -> None:
    production, developer = deployed.profile("prod"), deployed.profile("dev")

    assert {name: production[name] for name in SAFE} == SAFE
    assert {name: developer[name] for name in CHEAP} == CHEAP
    assert int(developer["LogRetentionDays"]) < int(production["LogRetentionDays"])


def test_production_can_lose_a_zone_while_it_is_busy() -> None:
    given = deployed.profile("prod")

    assert int(given["ServiceTasks"]) % 3 == 0
    assert int(given["ServiceMaxTasks"]) >= 2 * int(given["ServiceTasks"])
    assert int(given["DatabaseMaxReaders"]) > int(given["DatabaseReaders"]) >= 2


def test_the_laptop_deploys_every_kind_of_resource_that_production_has() -> None:
    """But for people: nobody is woken by a laptop."""
    local = {it.kind for it in deployed.platform("local").resources()}
    production = {it.kind for it in deployed.platform("prod").resources()}

    assert production - local == {"AWS::SNS::Subscription"}
